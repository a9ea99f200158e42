/**
 * Watches interfaces and their addresses. The kernel only says that something has changed; what is then, is asked, so that
 * a message that was missed is made up for by the next one, and by a look every few seconds.
 */
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { RawSockets } from "../raw-sockets.js";
import type { CancelTimer, Timers } from "../timers.js";
import { addressKeys, type Interfaces } from "./interfaces.js";

/** Interfaces as they are now. */
export interface LinkSnapshot {
  /** Names of those that are up and have a carrier. */
  readonly up: ReadonlySet<string>;
  /** By `addressKey`. */
  readonly addresses: ReadonlySet<string>;
}

/** What a watch is made of. */
export interface LinkWatchParts {
  readonly interfaces: Pick<Interfaces, "look">;
  readonly raw: Pick<RawSockets, "watchInterfaces">;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told when something is different from the last time, and the first time. */
  readonly onChange: (snapshot: LinkSnapshot) => void;
}

const POLL_MS = 3000;
/** Between two looks: a host where containers come and go changes all the time. */
const MIN_INTERVAL_MS = 20;

/** See the file's head. */
export class LinkWatch {
  readonly #parts: LinkWatchParts;
  #names: readonly string[];
  #monitor: { close(): void } | undefined;
  #last = "";
  #cancel: CancelTimer = () => {};
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Whether a look is due before the next regular one. */
  #isStale = false;

  /** @param names the interfaces to look at */
  constructor(names: readonly string[], parts: LinkWatchParts) {
    this.#names = [...new Set(names)];
    this.#parts = parts;
  }

  /** Looks once, then watches. @throws UvsError SYSCALL */
  start(): void {
    this.#monitor = this.#parts.raw.watchInterfaces(() => this.#changed());
    this.#look();
  }

  /** Watches other interfaces from now on, and looks at them. */
  watch(names: readonly string[]): void {
    this.#names = [...new Set(names)];
    this.#look();
  }

  stop(): void {
    this.#cancel();
    this.#monitor?.close();
    this.#monitor = undefined;
  }

  #changed(): void {
    if (this.#isStale) return;
    const waitMs = this.#lookedMs + MIN_INTERVAL_MS - this.#parts.timers.nowMs();
    if (waitMs <= 0) {
      this.#look();
      return;
    }
    this.#isStale = true;
    this.#arm(waitMs);
  }

  #look(): void {
    this.#isStale = false;
    this.#lookedMs = this.#parts.timers.nowMs();
    this.#arm(POLL_MS);
    try {
      this.#compare();
    } catch (error) {
      this.#parts.logger.warn({}, `interfaces cannot be looked at: ${UvsError.from(error).message}`);
    }
  }

  #compare(): void {
    const found = this.#parts.interfaces.look(this.#names);
    const up = found.filter(({ isUp }) => isUp).map(({ name }) => name);
    const addresses = addressKeys(found);
    const now = JSON.stringify([up, [...addresses].sort()]);
    if (now === this.#last) return;
    this.#last = now;
    this.#parts.onChange({ up: new Set(up), addresses });
  }

  #arm(afterMs: number): void {
    this.#cancel();
    this.#cancel = this.#parts.timers.after(afterMs, () => this.#look());
  }
}
