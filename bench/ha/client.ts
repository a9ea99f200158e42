/** The client of a run: the prober's process, and what it tells of the master while it runs. */
import type { ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LabHost, VrrpLab } from "../../test/helpers/vrrp-lab.js";
import { waitFor } from "../../test/helpers/wait-for.js";
import { instrument } from "./instrument.js";
import type { ProberReport } from "./observations.js";
import { ADDRESS, type Timing } from "./products.js";
import { nowMs } from "./wall-clock.js";

const PROBER = fileURLToPath(new URL("./prober.js", import.meta.url));
/** Timers are late by as much; the rest of a wait is spent looking at the clock. */
const TIMER_LATE_MS = 3;
/** What is later has missed the phase. */
const EXACT_MS = 1;
const MOST_TRIES = 20;
/** Without an advertisement for so many intervals, and some time that the machine was busy, there is no master to meet. */
const SILENT_INTERVALS = 5;
const LATE_MS = 2000;

/** See the file's head. */
export class Client {
  readonly #process: ChildProcess;
  #report = "";
  #complaint = "";
  #isReady = false;
  readonly #adverts = new EventEmitter();
  #advertMs = Number.NEGATIVE_INFINITY;

  /** @param master the hardware address of whose advertisements events meet */
  constructor(lab: VrrpLab, host: LabHost, master: string) {
    this.#process = lab.spawn(host, ...instrument(process.execPath, [PROBER, ADDRESS, master]));
    let partial = "";
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) this.#line(line);
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint += text;
    });
  }

  async ready(): Promise<void> {
    await waitFor("the prober is ready", () => {
      if (this.#process.exitCode !== null) throw new Error(`the prober ended: ${this.#complaint}`);
      return this.#isReady;
    });
  }

  /**
   * Resolves when so much of the interval has passed since the master's last advertisement. Where this process had to wait
   * for others then, it tries again.
   * @param phase from 0 to 1
   */
  async meet(phase: number, { advertMs }: Timing): Promise<void> {
    const restMs = (): number => this.#advertMs + phase * advertMs - nowMs();
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (restMs() < TIMER_LATE_MS) await this.#heard(SILENT_INTERVALS * advertMs + LATE_MS);
      // The next advertisement may come before; then it is the last one.
      while (restMs() > TIMER_LATE_MS) await pass(restMs() - TIMER_LATE_MS);
      while (restMs() > 0);
      if (restMs() > -EXACT_MS) return;
    }
  }

  /** Ends it. @returns all that it has seen */
  async end(): Promise<ProberReport> {
    const ended = once(this.#process, "close");
    this.#process.stdin?.end();
    await ended;
    return JSON.parse(this.#report) as ProberReport;
  }

  async #heard(limitMs: number): Promise<void> {
    const silence = AbortSignal.timeout(limitMs);
    await once(this.#adverts, "heard", { signal: silence }).catch(() => {
      throw new Error(`no advertisement of the master in ${limitMs} ms`);
    });
  }

  #line(line: string): void {
    const [kind, value] = line.split(" ", 2);
    if (kind === "ready") this.#isReady = true;
    else if (kind === "advert") {
      this.#advertMs = Number(value);
      this.#adverts.emit("heard");
    } else this.#report = line;
  }
}

/** Resolves after so many milliseconds. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
