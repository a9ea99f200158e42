/**
 * The timing wheel of the templates: a slot a tick, each a doubly linked list. A template stands in it only while it
 * controls no open connection, or has not been looked at since it began to: being used again moves nothing, whoever comes
 * by at the slot moves the template to where it belongs by then. So the first slots hold those that end soonest.
 *
 * The templates' lock is held. Hot path.
 */
import {
  HeaderWord,
  TEMPLATE_WORDS,
  type TemplateColumns,
  WHEEL_NEXT,
  WHEEL_PREVIOUS,
  WHEEL_SLOTS,
} from "./template-columns.js";

const MAP_WORDS = WHEEL_SLOTS / 32;

/** See the file's head. */
export class TemplateWheel {
  readonly #columns: TemplateColumns;

  constructor(columns: TemplateColumns) {
    this.#columns = columns;
  }

  /** Whether the template stands in the wheel. */
  has(template: number): boolean {
    return this.#columns.words[template * TEMPLATE_WORDS + WHEEL_PREVIOUS] !== 0;
  }

  /** Puts a template at a tick: that one, or the last before the wheel would come round. */
  insert(template: number, tick: number): void {
    const { words, wheel, wheelMap } = this.#columns;
    const slot = this.slotOf(tick);
    const first = wheel[slot];
    words[template * TEMPLATE_WORDS + WHEEL_NEXT] = first;
    words[template * TEMPLATE_WORDS + WHEEL_PREVIOUS] = -1 - slot;
    if (first !== 0) words[first * TEMPLATE_WORDS + WHEEL_PREVIOUS] = template;
    else wheelMap[slot >>> 5] |= 1 << (slot & 31);
    wheel[slot] = template;
  }

  /** Takes a template out, if it is in. */
  remove(template: number): void {
    const { words, wheel, wheelMap } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const previous = words[at + WHEEL_PREVIOUS];
    if (previous === 0) return;
    const next = words[at + WHEEL_NEXT];
    if (next !== 0) words[next * TEMPLATE_WORDS + WHEEL_PREVIOUS] = previous;
    if (previous > 0) {
      words[previous * TEMPLATE_WORDS + WHEEL_NEXT] = next;
    } else {
      const slot = -1 - previous;
      wheel[slot] = next;
      if (next === 0) wheelMap[slot >>> 5] &= ~(1 << (slot & 31));
    }
    words[at + WHEEL_PREVIOUS] = 0;
  }

  /** The slot where a template of this tick stands. */
  slotOf(tick: number): number {
    const from = this.#columns.header[HeaderWord.WHEEL_TICK];
    const within = Math.min(Math.max(tick, from), from + WHEEL_SLOTS - 1);
    return within % WHEEL_SLOTS;
  }

  /** The first template of the first slot that has one, or 0. */
  soonest(): number {
    const { header, wheel, wheelMap } = this.#columns;
    const from = header[HeaderWord.WHEEL_TICK] % WHEEL_SLOTS;
    const start = from >>> 5;
    const later = wheelMap[start] & (-1 << (from & 31));
    if (later !== 0) return wheel[(start << 5) + lowestBit(later)];
    for (let i = 1; i <= MAP_WORDS; i++) {
      const word = (start + i) % MAP_WORDS;
      if (wheelMap[word] !== 0) return wheel[(word << 5) + lowestBit(wheelMap[word])];
    }
    return 0;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
