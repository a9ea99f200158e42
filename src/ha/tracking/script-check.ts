/**
 * A tracked script (keepalived's vrrp_script; reference: ha.md §5.4): exit status 0 is success. The first result counts at
 * once, in either direction; afterwards so many in a row are needed to change.
 */
import { type Command, runProgram } from "../resources/program.js";
import type { CancelTimer, Timers } from "../timers.js";

/** What can be chosen of a tracked script. */
export interface ScriptCheckSettings {
  readonly name: string;
  readonly command: Command;
  /** @default 1 s */
  readonly intervalMs?: number;
  /** @default the interval */
  readonly timeoutMs?: number;
  /** Successes in a row that make it work. @default 1 */
  readonly rise?: number;
  /** Failures in a row that make it fail. @default 1 */
  readonly fall?: number;
}

const INTERVAL_MS = 1000;

/** Runs the script again and again, never twice at once. */
export class ScriptCheck {
  readonly name: string;
  readonly #settings: ScriptCheckSettings;
  readonly #timers: Timers;
  readonly #onState: (state: "up" | "down", reason: string) => void;
  #state: "up" | "down" | "unknown" = "unknown";
  #streak = 0;
  #cancel: CancelTimer = () => {};
  #attempt = new AbortController();

  /** @param onState told of each change */
  constructor(
    settings: ScriptCheckSettings,
    timers: Timers,
    onState: (state: "up" | "down", reason: string) => void,
  ) {
    this.name = settings.name;
    this.#settings = settings;
    this.#timers = timers;
    this.#onState = onState;
  }

  start(): void {
    this.#attempt = new AbortController();
    void this.#run();
  }

  stop(): void {
    this.#attempt.abort();
    this.#cancel();
  }

  async #run(): Promise<void> {
    const { command, intervalMs = INTERVAL_MS, timeoutMs = intervalMs } = this.#settings;
    const { signal } = this.#attempt;
    const beganMs = this.#timers.nowMs();
    const { status, reason } = await runProgram(command, { timeoutMs, signal }, this.#timers);
    if (signal.aborted) return;
    this.#count(status === 0 ? "up" : "down", reason);
    const tookMs = this.#timers.nowMs() - beganMs;
    // Ticks that a slow run has missed are left out.
    const waitMs = intervalMs - (tookMs % intervalMs);
    this.#cancel = this.#timers.after(waitMs, () => void this.#run());
  }

  #count(result: "up" | "down", reason: string): void {
    if (result === this.#state) {
      this.#streak = 0;
      return;
    }
    this.#streak++;
    const { rise = 1, fall = 1 } = this.#settings;
    const needed = this.#state === "unknown" ? 1 : result === "up" ? rise : fall;
    if (this.#streak < needed) return;
    this.#streak = 0;
    this.#state = result;
    this.#onState(result, reason);
  }
}
