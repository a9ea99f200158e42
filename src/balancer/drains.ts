/**
 * Realservers that are being drained: which weight they had, and when what is left of their connections is reset. Time
 * only; quiescing and resetting are the director's.
 */
import type { DrainStatus } from "../core/status.js";

interface Drain {
  readonly status: DrainStatus;
  readonly timer: NodeJS.Timeout | undefined;
}

/** Longest delay that a timer can have, in milliseconds. */
const LONGEST_DELAY_MS = 2147483647;

/** All drains, by a key of service and realserver. */
export class Drains {
  readonly #drains = new Map<string, Drain>();

  /**
   * Notes a drain, or another deadline for one that is going on (the weight noted first stays).
   * @param onDeadline is called once, `deadlineMs` from now, unless the drain ends before
   */
  begin(key: string, weight: number, deadlineMs: number | undefined, onDeadline: () => void): void {
    const former = this.#drains.get(key);
    clearTimeout(former?.timer);
    const now = Date.now();
    const timer =
      deadlineMs === undefined ? undefined : setTimeout(onDeadline, Math.min(deadlineMs, LONGEST_DELAY_MS));
    timer?.unref();
    this.#drains.set(key, {
      status: {
        since: former?.status.since ?? new Date(now).toISOString(),
        weight: former?.status.weight ?? weight,
        ...(deadlineMs !== undefined && { deadline: new Date(now + deadlineMs).toISOString() }),
      },
      timer,
    });
  }

  get size(): number {
    return this.#drains.size;
  }

  get(key: string): DrainStatus | undefined {
    return this.#drains.get(key)?.status;
  }

  /** The drain is over: the realserver has another weight, or is gone. */
  end(key: string): void {
    clearTimeout(this.#drains.get(key)?.timer);
    this.#drains.delete(key);
  }

  /** All drains whose key begins like this are over. */
  endAll(prefix: string): void {
    for (const key of [...this.#drains.keys()]) if (key.startsWith(prefix)) this.end(key);
  }
}
