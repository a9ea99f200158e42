/**
 * The hash table of the templates: chains through the rows, keyed by what is addressed and the client under its netmask.
 * The hash has a seed, so that clients cannot choose addresses that all fall into one chain.
 *
 * The templates' lock is held. Hot path.
 */
import { HASH_NEXT, TEMPLATE_WORDS, type TemplateColumns, VIRTUAL } from "./template-columns.js";

/** See the file's head. */
export class TemplateIndex {
  readonly #columns: TemplateColumns;

  constructor(columns: TemplateColumns) {
    this.#columns = columns;
  }

  /** @param client four words under the netmask @returns the template, or 0 */
  find(virtual: number, client: Int32Array): number {
    const { words, buckets } = this.#columns;
    let template = buckets[this.#home(virtual, client, 0)];
    while (template !== 0) {
      const at = template * TEMPLATE_WORDS;
      if (
        words[at] === client[0] &&
        words[at + 1] === client[1] &&
        words[at + 2] === client[2] &&
        words[at + 3] === client[3] &&
        words[at + VIRTUAL] === virtual
      ) {
        return template;
      }
      template = words[at + HASH_NEXT];
    }
    return 0;
  }

  /** Takes in a template whose key stands in its row. */
  insert(template: number): void {
    const { words, buckets } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const bucket = this.#home(words[at + VIRTUAL], words, at);
    words[at + HASH_NEXT] = buckets[bucket];
    buckets[bucket] = template;
  }

  /** Takes out a template that is in. */
  remove(template: number): void {
    const { words, buckets } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const next = words[at + HASH_NEXT];
    const bucket = this.#home(words[at + VIRTUAL], words, at);
    if (buckets[bucket] === template) {
      buckets[bucket] = next;
      return;
    }
    let before = buckets[bucket] * TEMPLATE_WORDS;
    while (words[before + HASH_NEXT] !== template) before = words[before + HASH_NEXT] * TEMPLATE_WORDS;
    words[before + HASH_NEXT] = next;
  }

  /** The bucket of a key: the four words at `offset` of `client`, and the number of what it addresses. */
  #home(virtual: number, client: Int32Array, offset: number): number {
    const { seed, buckets } = this.#columns;
    let hash = mix(seed, virtual);
    hash = mix(hash, client[offset]);
    hash = mix(hash, client[offset + 1]);
    hash = mix(hash, client[offset + 2]);
    hash = mix(hash, client[offset + 3]);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & (buckets.length - 1);
  }
}

/** One round of MurmurHash3 (x86, 32 bits). */
function mix(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
