/**
 * Numbers for what clients address (the text of `serviceKey`), under which persistence templates are kept. A number means
 * the same for as long as there is a service of that name, or a template: so the templates of a service that was deleted
 * are found again by one that is added under the same name, as in the kernel, which keeps them by address and port.
 */
import { SlotPool } from "./slot-pool.js";

/** Names and their numbers. */
export class VirtualNames {
  readonly #pool: SlotPool;
  readonly #numbers = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];

  /** @param capacity names at once */
  constructor(capacity: number) {
    this.#pool = new SlotPool("names of virtual services with templates", capacity);
  }

  /** The number of a name, also one that was not known. @throws UvsError TOO_MANY */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#pool.take();
    this.#numbers.set(name, number);
    this.#names[number] = name;
    return number;
  }

  /** The number of a name that is known. */
  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  nameOf(number: number): string | undefined {
    return this.#names[number];
  }

  /** Whether every number is taken. */
  get isFull(): boolean {
    return this.#pool.available === 0;
  }

  /** Forgets the names that `isWanted` does not want. */
  forgetUnless(isWanted: (number: number, name: string) => boolean): void {
    for (const [name, number] of this.#numbers) {
      if (isWanted(number, name)) continue;
      this.#numbers.delete(name);
      this.#names[number] = undefined;
      this.#pool.give(number);
    }
  }
}
