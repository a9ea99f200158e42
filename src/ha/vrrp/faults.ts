/** Reasons why an instance must not be master, by who says so. */

/** Key of what the other members of a sync group say. */
export const SYNC_FAULT = "sync group";

/** The reasons of one instance. */
export class Faults {
  readonly #keyed = new Map<string, string>();
  #tracked: readonly string[];

  /** @param tracked reasons that tracking has from the start */
  constructor(tracked: readonly string[]) {
    this.#tracked = tracked;
  }

  /** All reasons, in words. */
  get all(): string[] {
    return [...this.#tracked, ...this.#keyed.values()];
  }

  /** Without those that only repeat another member of the sync group. */
  get own(): string[] {
    const others = [...this.#keyed].filter(([key]) => key !== SYNC_FAULT).map(([, words]) => words);
    return [...this.#tracked, ...others];
  }

  /** @param words undefined: gone. @returns whether that is news */
  set(key: string, words: string | undefined): boolean {
    if (this.#keyed.get(key) === words) return false;
    if (words === undefined) this.#keyed.delete(key);
    else this.#keyed.set(key, words);
    return true;
  }

  /** @returns whether that is news */
  setTracked(words: readonly string[]): boolean {
    if (words.join("\n") === this.#tracked.join("\n")) return false;
    this.#tracked = words;
    return true;
  }
}
