/**
 * Announces floating addresses: a burst when they were taken, a second one later for switches that were not ready, and in
 * between and afterwards single ones, so that a client that was misled by another director finds back soon (reference:
 * ha.md §4.3, §4.4).
 */
import { readFileSync } from "node:fs";
import { familyOf } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import type { RawSockets } from "../raw-sockets.js";
import type { CancelTimer, Timers } from "../timers.js";
import { gratuitousArp, unsolicitedAdvertisement } from "./frames.js";

/** How often addresses are announced. */
export interface AnnounceSettings {
  /** Frames of a burst. @default 5 */
  readonly repeat?: number;
  /** From the first burst to the second; 0: no second one. @default 5 s */
  readonly delayMs?: number;
  /** Between single ones in the long run; 0: none. @default 60 s */
  readonly refreshMs?: number;
}

/** An address to announce, and where. */
export interface AnnouncedAddress {
  readonly address: string;
  readonly interface: string;
}

/** What an announcer is made of. */
export interface AnnouncerParts {
  readonly raw: Pick<RawSockets, "frames">;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Step {
  readonly atMs: number;
  readonly frames: number;
}

const REPEAT = 5;
const DELAY_MS = 5000;
const REFRESH_MS = 60_000;
/** An announcement that is later than this is left out: who is still master then announces again as a whole. */
const STALL_MS = 20;
/** Single ones in the first seconds: while directors may still disagree. */
const EARLY_MS = [1000, 2000, 4000, 8000];

/** See the file's head. */
export class Announcer {
  readonly #parts: AnnouncerParts;
  readonly #addresses: readonly AnnouncedAddress[];
  readonly #interfaces: ReadonlySet<string>;
  readonly #burst: number;
  readonly #refreshMs: number;
  readonly #steps: readonly Step[];
  readonly #warnings: RateLimitedLog;
  #cancel: CancelTimer = () => {};
  #sent = 0;

  constructor(addresses: readonly AnnouncedAddress[], settings: AnnounceSettings, parts: AnnouncerParts) {
    const { repeat = REPEAT, delayMs = DELAY_MS, refreshMs = REFRESH_MS } = settings;
    this.#parts = parts;
    this.#addresses = addresses;
    this.#interfaces = new Set(addresses.map((address) => address.interface));
    this.#burst = repeat;
    this.#refreshMs = refreshMs;
    this.#steps = schedule(repeat, delayMs);
    this.#warnings = new RateLimitedLog(parts.logger, parts.timers);
  }

  /** Frames sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Why this director may announce nothing at all, for want of a right; undefined: it may. */
  refusal(): string | undefined {
    for (const name of this.#interfaces) {
      try {
        this.#parts.raw.frames(name);
      } catch (error) {
        const { code, message } = UvsError.from(error);
        if (code === "PERMISSION") return message;
      }
    }
    return undefined;
  }

  /** Announces now and from now on; called again, from the beginning. */
  start(): void {
    this.stop();
    this.#announce(this.#burst);
    this.#continue(0, 0);
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  #continue(step: number, nowMs: number): void {
    const next = this.#steps[step] ?? { atMs: nowMs + this.#refreshMs, frames: 1 };
    if (step >= this.#steps.length && this.#refreshMs === 0) return;
    const { timers } = this.#parts;
    const dueMs = timers.nowMs() + next.atMs - nowMs;
    this.#cancel = timers.after(next.atMs - nowMs, () => {
      // Whoever stood still may have been replaced, and hears of it only now.
      if (timers.nowMs() - dueMs < STALL_MS) this.#announce(next.frames);
      this.#warnings.tick();
      this.#continue(step + 1, next.atMs);
    });
  }

  #announce(times: number): void {
    for (const name of this.#interfaces) {
      try {
        this.#announceOn(name, times);
      } catch (error) {
        this.#warn(name, error instanceof Error ? error.message : String(error));
      }
    }
  }

  #announceOn(name: string, times: number): void {
    const socket = this.#parts.raw.frames(name);
    const { hardwareAddress } = socket;
    const own = this.#addresses.filter((address) => address.interface === name);
    for (let i = 0; i < times; i++) {
      for (const { address } of own) {
        const frame =
          familyOf(address) === 4
            ? gratuitousArp(hardwareAddress, address)
            : unsolicitedAdvertisement(hardwareAddress, address, forwards(name));
        const errno = socket.send(frame);
        if (errno === undefined) this.#sent++;
        else this.#warn(name, `${address} was not announced: ${errno}`);
      }
    }
  }

  #warn(name: string, message: string): void {
    this.#warnings.warn(`${name} ${message}`, () => ({
      fields: { interface: name },
      message: `announcing on ${name}: ${message}`,
    }));
  }
}

function schedule(repeat: number, delayMs: number): Step[] {
  const steps: Step[] = EARLY_MS.map((atMs) => ({ atMs, frames: 1 }));
  if (delayMs > 0) steps.push({ atMs: delayMs, frames: repeat });
  return steps.sort((a, b) => a.atMs - b.atMs);
}

/** Whether an interface forwards IPv6; no where that cannot be read. */
function forwards(name: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${name}/forwarding`, "utf8").trim() !== "0";
  } catch {
    return false;
  }
}
