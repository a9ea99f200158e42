/** A binary heap by due time whose entries know their place, so that one can be taken out in logarithmic time. */

/** What a heap holds. `heapIndex` is the heap's own: -1 while outside. */
export interface Timed {
  dueMs: number;
  heapIndex: number;
}

/** Entries by due time, the earliest first. */
export class TimerHeap<T extends Timed> {
  readonly #entries: T[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest entry, which stays. */
  peek(): T | undefined {
    return this.#entries[0];
  }

  /** Puts an entry in that is outside, by its `dueMs`. */
  push(entry: T): void {
    this.#entries.push(entry);
    this.#rise(entry, this.#entries.length - 1);
  }

  /** Takes an entry out; does nothing where it is outside. */
  remove(entry: T): void {
    const index = entry.heapIndex;
    if (index < 0) return;
    entry.heapIndex = -1;
    const last = this.#entries.pop()!;
    if (last === entry) return;
    if (last.dueMs < entry.dueMs) this.#rise(last, index);
    else this.#sink(last, index);
  }

  #rise(entry: T, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#entries[parent].dueMs <= entry.dueMs) break;
      this.#place(this.#entries[parent], index);
      index = parent;
    }
    this.#place(entry, index);
  }

  #sink(entry: T, from: number): void {
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#entries.length) break;
      if (child + 1 < this.#entries.length && this.#entries[child + 1].dueMs < this.#entries[child].dueMs)
        child++;
      if (this.#entries[child].dueMs >= entry.dueMs) break;
      this.#place(this.#entries[child], index);
      index = child;
    }
    this.#place(entry, index);
  }

  #place(entry: T, index: number): void {
    this.#entries[index] = entry;
    entry.heapIndex = index;
  }
}
