/**
 * Watches interfaces and their addresses. The kernel only says which one has changed; what is then, is asked, so that a
 * message that was missed is made up for by the next one, and by a look from time to time. Asking takes a lock that all
 * interfaces of the host share, so it is asked for no change of others.
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
  readonly raw: Pick<RawSockets, "watchInterfaces" | "interfaceIndex">;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told each time it was looked: what was done since the last time may have been undone. */
  readonly onLook: (snapshot: LinkSnapshot) => void;
}

const POLL_MS = 30_000;
/** Between two looks: a host where containers come and go changes all the time. */
const MIN_INTERVAL_MS = 20;

/** See the file's head. */
export class LinkWatch {
  readonly #parts: LinkWatchParts;
  #names: readonly string[];
  #monitor: { close(): void } | undefined;
  #cancel: CancelTimer = () => {};
  /** As they were when it was looked; undefined: there is no such interface. */
  #indexes: readonly (number | undefined)[] = [];
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
    this.#monitor = this.#parts.raw.watchInterfaces((index) => this.#changed(index));
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

  #changed(index: number | undefined): void {
    // One that is missing may be there now, with any index.
    const isForeign = !this.#indexes.includes(index) && !this.#indexes.includes(undefined);
    if (this.#isStale || (index !== undefined && isForeign)) return;
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
      this.#tell();
    } catch (error) {
      this.#parts.logger.warn({}, `interfaces cannot be looked at: ${UvsError.from(error).message}`);
    }
  }

  #tell(): void {
    const { interfaces, raw } = this.#parts;
    this.#indexes = this.#names.map((name) => raw.interfaceIndex(name));
    const found = interfaces.look(this.#names);
    const up = found.filter(({ isUp }) => isUp).map(({ name }) => name);
    this.#parts.onLook({ up: new Set(up), addresses: addressKeys(found) });
  }

  #arm(afterMs: number): void {
    this.#cancel();
    this.#cancel = this.#parts.timers.after(afterMs, () => this.#look());
  }
}
