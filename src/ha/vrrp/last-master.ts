/**
 * The master of a virtual router that was heard last, as long as it has not said that it leaves. When it falls silent, it
 * may hold the addresses all the same. Pure: it is told the time.
 */
import { PRIORITY_LEAVING } from "./codec.js";
import type { HeardAdvert } from "./election.js";

/** A master that fell silent without a word. */
export interface LostMaster {
  /** The address that it advertised from. */
  readonly source: string;
  readonly heardMs: number;
}

/** See the file's head. */
export class LastMaster {
  #last: (HeardAdvert & { readonly heardMs: number }) | undefined;

  /** Somebody else has advertised. */
  heard(nowMs: number, advert: HeardAdvert): void {
    const { source, priority } = advert;
    const last = this.#last;
    if (priority === PRIORITY_LEAVING) {
      if (last?.source === source) this.#last = undefined;
      return;
    }
    // A worse one that is heard beside a living one is about to yield, and will not say that it has.
    const isBeside = last !== undefined && source !== last.source && nowMs < last.heardMs + last.intervalMs;
    if (isBeside && priority <= last.priority) return;
    this.#last = { ...advert, heardMs: nowMs };
  }

  /** This director is master itself, or looks at another virtual router from now on. */
  forget(): void {
    this.#last = undefined;
  }

  /** The master, if it was silent for so long. @returns undefined: it lives, it has left, or none was ever heard */
  lost(nowMs: number, silenceMs: number): LostMaster | undefined {
    const last = this.#last;
    return last === undefined || nowMs < last.heardMs + silenceMs ? undefined : last;
  }
}
