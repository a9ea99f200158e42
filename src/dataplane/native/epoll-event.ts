/**
 * struct epoll_event, which the kernel packs on x86-64 only (include/uapi/linux/eventpoll.h):
 *
 * | word | x86-64 (12 bytes) | others (16 bytes) |
 * |---|---|---|
 * | events | 0 | 0 |
 * | data, lower half | 1 | 2 (1 is padding) |
 * | data, upper half | 2 | 3 |
 *
 * Both are whole 32-bit words, so an array of events is read through one Int32Array. The halves of `data` are ours: the
 * lower one says what the event belongs to, the upper one which generation of it.
 */

/** Where the words of an event lie. */
export interface EpollLayout {
  /** Words from one event to the next. */
  readonly stride: number;
  /** Word of the lower half of `data`; the upper half follows it. */
  readonly data: number;
}

/** The layout on a processor architecture, as `process.arch` names it. */
export function epollLayout(arch: string): EpollLayout {
  return arch === "x64" ? { stride: 3, data: 1 } : { stride: 4, data: 2 };
}

/** An array of events in the kernel's layout. All methods are for the hot path. */
export class EpollEvents {
  readonly #words: Int32Array;
  readonly #stride: number;
  readonly #data: number;

  /** @param buffer zeroed or not; a whole number of events */
  constructor(buffer: ArrayBuffer, layout: EpollLayout = epollLayout(process.arch)) {
    this.#words = new Int32Array(buffer);
    this.#stride = layout.stride;
    this.#data = layout.data;
  }

  /** Bytes that so many events take. */
  static bytes(count: number, layout: EpollLayout = epollLayout(process.arch)): number {
    return count * layout.stride * 4;
  }

  set(index: number, events: number, subject: number, generation: number): void {
    const at = index * this.#stride;
    this.#words[at] = events;
    this.#words[at + this.#data] = subject;
    this.#words[at + this.#data + 1] = generation;
  }

  events(index: number): number {
    return this.#words[index * this.#stride];
  }

  /** Lower half of `data`. */
  subject(index: number): number {
    return this.#words[index * this.#stride + this.#data];
  }

  /** Upper half of `data`. */
  generation(index: number): number {
    return this.#words[index * this.#stride + this.#data + 1];
  }
}
