/**
 * Watches interfaces and their addresses. `ip monitor` only says that something has changed; what is then, is asked, so that
 * a message that was missed or misread is made up for by the next one, and by a look every few seconds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { CancelTimer, Timers } from "../timers.js";
import type { IpCommand } from "./ip-command.js";
import { listedAddresses, listedInterfaces } from "./ip-output.js";

/** Interfaces as they are now. */
export interface LinkSnapshot {
  /** Names of those that are up and have a carrier. */
  readonly up: ReadonlySet<string>;
  /** By `addressKey`. */
  readonly addresses: ReadonlySet<string>;
}

/** What a watch is made of. */
export interface LinkWatchParts {
  readonly ip: Pick<IpCommand, "run">;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told when something is different from the last time, and the first time. */
  readonly onChange: (snapshot: LinkSnapshot) => void;
}

const POLL_MS = 3000;
/** Between two looks: a host where containers come and go changes all the time. */
const MIN_INTERVAL_MS = 20;
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`;

/** See the file's head. */
export class LinkWatch {
  readonly #parts: LinkWatchParts;
  #interfaces: readonly string[];
  #monitor: ChildProcess | undefined;
  #last = "";
  #cancel: CancelTimer = () => {};
  #isLooking = false;
  #isStale = false;
  #isStopped = false;

  /** @param interfaces the ones to look at */
  constructor(interfaces: readonly string[], parts: LinkWatchParts) {
    this.#interfaces = [...new Set(interfaces)];
    this.#parts = parts;
  }

  /** Looks once, then watches. */
  async start(): Promise<void> {
    this.#startMonitor();
    await this.#look();
  }

  /** Watches other interfaces from now on; settles after a look at them. */
  async watch(interfaces: readonly string[]): Promise<void> {
    this.#interfaces = [...new Set(interfaces)];
    try {
      this.#compare(await this.#parts.ip.run(this.#commands()));
    } catch (error) {
      this.#parts.logger.warn({}, `interfaces cannot be looked at: ${UvsError.from(error).message}`);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
    this.#monitor?.kill();
  }

  /** Looks now, or as soon as the present look is over. */
  async #look(): Promise<void> {
    this.#isStale = this.#isLooking;
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    this.#cancel();
    try {
      this.#compare(await this.#parts.ip.run(this.#commands()));
    } catch (error) {
      this.#parts.logger.warn({}, `interfaces cannot be looked at: ${UvsError.from(error).message}`);
    }
    this.#isLooking = false;
    if (this.#isStopped) return;
    const nextMs = this.#isStale ? MIN_INTERVAL_MS : POLL_MS;
    this.#cancel = this.#parts.timers.after(nextMs, () => void this.#look());
  }

  #commands(): string[] {
    return this.#interfaces.map((name) => `addr show dev ${name}`);
  }

  #compare(lines: readonly string[]): void {
    const up = listedInterfaces(lines)
      .filter(({ isUp }) => isUp)
      .map(({ name }) => name);
    const addresses = listedAddresses(lines);
    const now = JSON.stringify([up, [...addresses].sort()]);
    if (now === this.#last || this.#isStopped) return;
    this.#last = now;
    this.#parts.onChange({ up: new Set(up), addresses });
  }

  #startMonitor(): void {
    const monitor = spawn("ip", ["-oneline", "monitor", "link", "address"], {
      env: { PATH, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#monitor = monitor;
    monitor.stdout.on("data", () => void this.#look());
    monitor.once("error", () => {});
    monitor.once("close", () => {
      if (this.#isStopped) return;
      this.#parts.logger.warn({}, "ip monitor has ended; it is started again");
      this.#parts.timers.after(POLL_MS, () => {
        if (!this.#isStopped) this.#startMonitor();
      });
    });
  }
}
