/**
 * Calls alert programs, hooks and webhooks. Calls wait in a queue of their own and never delay a check; those of one
 * subject keep their order, each has its time-out, and alerts (not hooks) beyond a rate are left out and counted.
 */
import { hostname } from "node:os";
import type { Logger } from "../core/logger.js";
import { serviceKey } from "../core/model.js";
import { RateLimitedLog } from "../metrics/rate-limited-log.js";
import { type AlertEvent, alertArguments, alertEnvironment, alertJson, alertSubject } from "./alert-event.js";
import { excerpt } from "./excerpt.js";
import { failureOf } from "./failure.js";
import { Programs } from "./program.js";
import type { AlertAction } from "./spec.js";
import type { Timers } from "./timers.js";

/** What alerts are constructed with. */
export interface AlertsOptions {
  readonly timers: Timers;
  readonly logger: Logger;
  /** Alerts in a minute, and at once; hooks are not counted. @default 120 */
  readonly perMinute?: number;
  /** Calls at once. @default 16 */
  readonly maxRunning?: number;
}

/** Counters of calls. */
export interface AlertCounters {
  called: number;
  /** Ended with an error: a program that did not exit with 0, a webhook that was not answered with 2xx. */
  failed: number;
  /** Left out: too many in a minute, or too many waiting. */
  dropped: number;
}

interface Task {
  readonly subject: string;
  readonly action: AlertAction;
  readonly event: AlertEvent;
  readonly timeoutMs: number;
}

const PER_MINUTE = 120;
const MAX_RUNNING = 16;
const MAX_WAITING = 1024;
const MINUTE_MS = 60_000;

/** Calls what people have asked to be called. */
export class Alerts {
  readonly counters: AlertCounters = { called: 0, failed: 0, dropped: 0 };
  readonly #options: Required<AlertsOptions>;
  readonly #log: RateLimitedLog;
  readonly #programs: Programs;
  readonly #waiting: Task[] = [];
  readonly #busy = new Set<string>();
  readonly #stop = new AbortController();
  #tokens: number;
  #tokensAtMs: number;

  constructor(options: AlertsOptions) {
    this.#options = { perMinute: PER_MINUTE, maxRunning: MAX_RUNNING, ...options };
    this.#log = new RateLimitedLog(options.logger, options.timers);
    this.#programs = new Programs(options.timers, this.#options.maxRunning);
    this.#tokens = this.#options.perMinute;
    this.#tokensAtMs = options.timers.nowMs();
  }

  /** Calls that run or wait. */
  get pending(): number {
    return this.#busy.size + this.#waiting.length;
  }

  /**
   * Calls each of the actions; returns at once.
   * @param kind alerts are limited in rate, hooks are not
   */
  call(actions: readonly AlertAction[], event: AlertEvent, timeoutMs: number, kind: "alert" | "hook"): void {
    for (const action of actions) {
      const hasRoom = this.#waiting.length < MAX_WAITING && !this.#stop.signal.aborted;
      if (!hasRoom || (kind === "alert" && !this.#takeToken())) {
        this.counters.dropped++;
        this.#log.warn("dropped", () => ({
          fields: { event: event.type, service: serviceKey(event.service) },
          message: `an alert was left out: more than ${this.#options.perMinute} in a minute, or too many waiting`,
        }));
        continue;
      }
      this.#waiting.push({ subject: alertSubject(event), action, event, timeoutMs });
    }
    this.#startNext();
  }

  /** Logs counts of what was held back; call it every second or so. */
  tick(): void {
    this.#log.tick();
  }

  /** Ends all calls that run, and forgets those that wait. */
  stop(): void {
    this.#waiting.length = 0;
    this.#stop.abort();
    this.#log.flush();
  }

  #takeToken(): boolean {
    const now = this.#options.timers.nowMs();
    const { perMinute } = this.#options;
    this.#tokens = Math.min(perMinute, this.#tokens + ((now - this.#tokensAtMs) * perMinute) / MINUTE_MS);
    this.#tokensAtMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #startNext(): void {
    for (let i = 0; i < this.#waiting.length && this.#busy.size < this.#options.maxRunning; ) {
      const task = this.#waiting[i];
      if (this.#busy.has(task.subject)) {
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      this.#busy.add(task.subject);
      void this.#run(task).finally(() => {
        this.#busy.delete(task.subject);
        this.#startNext();
      });
    }
  }

  async #run({ action, event, timeoutMs }: Task): Promise<void> {
    this.counters.called++;
    const name = "program" in action ? action.program : action.url;
    const failure =
      "program" in action
        ? await this.#runProgram(action, event, timeoutMs)
        : await this.#post(action, event, timeoutMs);
    if (failure === undefined || this.#stop.signal.aborted) return;
    this.counters.failed++;
    this.#log.warn(name, () => ({
      fields: { alert: name, event: event.type, service: serviceKey(event.service), reason: failure },
      message: `alert ${name} failed: ${failure}`,
    }));
  }

  /** @returns what went wrong, in words */
  async #runProgram(
    action: Extract<AlertAction, { program: string }>,
    event: AlertEvent,
    timeoutMs: number,
  ): Promise<string | undefined> {
    const end = await this.#programs.run({
      path: action.program,
      args: alertArguments(event, action.args),
      env: alertEnvironment(event, action.env),
      stdin: event.output,
      timeoutMs,
      signal: this.#stop.signal,
    });
    if (end.exitStatus === 0) return undefined;
    return end.output === "" ? end.reason : `${end.reason}: ${excerpt(end.output)}`;
  }

  async #post(
    { url, headers }: Extract<AlertAction, { url: string }>,
    event: AlertEvent,
    timeoutMs: number,
  ): Promise<string | undefined> {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "User-Agent": "uvs", ...headers },
        body: alertJson(event, hostname()),
        redirect: "manual",
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      return response.ok ? undefined : `status ${response.status}`;
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError") return `timed out after ${timeoutMs} ms`;
      // fetch hides what happened in the cause.
      return failureOf(error instanceof Error && error.cause ? error.cause : error).reason;
    }
  }
}
