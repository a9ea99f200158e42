/**
 * Counts the connections of each client address to a service, for `max-connections-per-source`: a hash table in shared
 * memory with linear probing and backward-shift deletion (Knuth, TAOCP 3, 6.4 algorithm R), so it has no tombstones and
 * never grows. It holds only addresses that have connections, and it is larger than the number of connections can be.
 */
import { lock, unlock } from "../core/lock.js";
import type { SourceColumns } from "./columns.js";

/** Knuth's multiplicative constant, the kernel's GOLDEN_RATIO_32. */
const GOLDEN_RATIO = 0x61c88647;

/** Per-source counts; one object a thread, all on the same columns. */
export class SourceCounts {
  readonly #columns: SourceColumns;
  readonly #mask: number;

  constructor(columns: SourceColumns) {
    this.#columns = columns;
    this.#mask = columns.count.length - 1;
  }

  /**
   * Counts one more connection of the address, unless it has `limit` already. Hot path.
   * @returns whether it was counted
   */
  admit(service: number, address: Uint32Array, limit: number): boolean {
    const columns = this.#columns;
    lock(columns.lock, 0);
    const place = this.#find(service, address);
    const isAdmitted = columns.count[place] < limit;
    if (isAdmitted) {
      if (columns.count[place]++ === 0) {
        columns.service[place] = service;
        columns.address.set(address, place * 4);
      }
    }
    unlock(columns.lock, 0);
    return isAdmitted;
  }

  /** Counts one connection less; an address that is not counted is left alone. Hot path. */
  release(service: number, address: Uint32Array): void {
    const columns = this.#columns;
    lock(columns.lock, 0);
    const place = this.#find(service, address);
    if (columns.count[place] > 0 && --columns.count[place] === 0) this.#closeGap(place);
    unlock(columns.lock, 0);
  }

  /** Forgets all addresses of a service: its limit was taken away, or it is gone. */
  forget(service: number): void {
    const columns = this.#columns;
    lock(columns.lock, 0);
    for (let place = 0; place <= this.#mask; place++) {
      // A gap that closes may move another address of the service to this place: look again.
      while (columns.count[place] > 0 && columns.service[place] === service) {
        columns.count[place] = 0;
        this.#closeGap(place);
      }
    }
    unlock(columns.lock, 0);
  }

  /** The place of the address, or the free place where it belongs. */
  #find(service: number, address: Uint32Array): number {
    const columns = this.#columns;
    let place = this.#home(service, address[0], address[1], address[2], address[3]);
    while (columns.count[place] > 0) {
      const word = place * 4;
      if (
        columns.service[place] === service &&
        columns.address[word] === address[0] &&
        columns.address[word + 1] === address[1] &&
        columns.address[word + 2] === address[2] &&
        columns.address[word + 3] === address[3]
      ) {
        return place;
      }
      place = (place + 1) & this.#mask;
    }
    return place;
  }

  #home(service: number, w0: number, w1: number, w2: number, w3: number): number {
    const mixed = Math.imul(w0 ^ w1 ^ w2 ^ w3 ^ Math.imul(service, GOLDEN_RATIO), GOLDEN_RATIO);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }

  /** Moves later entries of the run back over the free place, where their home allows it. */
  #closeGap(gap: number): void {
    const { count, service, address } = this.#columns;
    let hole = gap;
    let place = (gap + 1) & this.#mask;
    for (; count[place] > 0; place = (place + 1) & this.#mask) {
      const word = place * 4;
      const home = this.#home(
        service[place],
        address[word],
        address[word + 1],
        address[word + 2],
        address[word + 3],
      );
      const fromHome = (place - home) & this.#mask;
      const fromHole = (place - hole) & this.#mask;
      if (fromHome < fromHole) continue;
      count[hole] = count[place];
      service[hole] = service[place];
      address.copyWithin(hole * 4, word, word + 4);
      count[place] = 0;
      hole = place;
    }
  }
}
