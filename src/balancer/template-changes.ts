/**
 * What has changed among the templates, in order: a list through the templates themselves, the one that changed last at
 * its end, and a ring of the last removals. So no log grows; a reader that knows how far it has read finds what came after
 * that, each template once and as it is now.
 *
 * The templates' lock is held. Hot path.
 */
import {
  CHANGE_NEXT,
  CHANGE_PREVIOUS,
  HeaderWord,
  NumberWord,
  REMOVAL_UNTOLD,
  REMOVAL_WORDS,
  REMOVALS,
  SEQUENCE,
  TEMPLATE_WORDS,
  type TemplateColumns,
  TemplateFlag,
  TIMEOUT,
} from "./template-columns.js";

/** See the file's head. */
export class TemplateChanges {
  readonly #columns: TemplateColumns;

  constructor(columns: TemplateColumns) {
    this.#columns = columns;
  }

  /** The template is new. */
  add(template: number): void {
    const { header, numbers, words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const last = header[HeaderWord.CHANGE_LAST];
    words[at + TIMEOUT] &= ~TemplateFlag.TOLD;
    words[at + SEQUENCE] = ++numbers[NumberWord.SEQUENCE] | 0;
    words[at + CHANGE_PREVIOUS] = last;
    words[at + CHANGE_NEXT] = 0;
    if (last === 0) header[HeaderWord.CHANGE_FIRST] = template;
    else words[last * TEMPLATE_WORDS + CHANGE_NEXT] = template;
    header[HeaderWord.CHANGE_LAST] = template;
  }

  /** The template changed. Moves nothing where nobody has read its last change yet. */
  note(template: number): void {
    if ((this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & TemplateFlag.TOLD) === 0) return;
    this.#unlink(template);
    this.add(template);
  }

  /** The template goes. @param isUntold peers need not be told: its time was over, or it was one of theirs */
  remove(template: number, isUntold: boolean): void {
    const { numbers, words, removals, removalSequences } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    this.#unlink(template);
    const place = numbers[NumberWord.REMOVED]++ % REMOVALS;
    numbers[NumberWord.FORGOTTEN] = removalSequences[place];
    removalSequences[place] = ++numbers[NumberWord.SEQUENCE];
    for (let i = 0; i < REMOVAL_UNTOLD; i++) removals[place * REMOVAL_WORDS + i] = words[at + i];
    removals[place * REMOVAL_WORDS + REMOVAL_UNTOLD] = isUntold ? 1 : 0;
  }

  #unlink(template: number): void {
    const { header, words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const next = words[at + CHANGE_NEXT];
    const previous = words[at + CHANGE_PREVIOUS];
    if (next === 0) header[HeaderWord.CHANGE_LAST] = previous;
    else words[next * TEMPLATE_WORDS + CHANGE_PREVIOUS] = previous;
    if (previous === 0) header[HeaderWord.CHANGE_FIRST] = next;
    else words[previous * TEMPLATE_WORDS + CHANGE_NEXT] = next;
  }
}
