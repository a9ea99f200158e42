/**
 * Hooks on changes of state, with keepalived's arguments (reference: ha.md §5.9), and webhooks. They run one after another in
 * the order of events, which keepalived does not promise, each with a time-out; nothing ever waits for them, nor do scripts
 * for webhooks.
 */
import { hostname } from "node:os";
import type { Logger } from "../../core/logger.js";
import type { Timers } from "../timers.js";
import { type Command, runProgram } from "./program.js";
import { postJson } from "./webhook.js";

/** States that hooks are told. */
export type NotifyState = "MASTER" | "BACKUP" | "FAULT" | "STOP" | "MASTER_RX_LOWER_PRI" | "FENCE_FAILED";

/** Hooks of one instance or group. */
export interface NotifySettings {
  /** Run as written, one per state. */
  readonly master?: Command;
  readonly backup?: Command;
  readonly fault?: Command;
  readonly stop?: Command;
  /** A second, worse master was heard, and we have stayed. */
  readonly conflict?: Command;
  /** Run for every state, after the state's own, with `INSTANCE|GROUP NAME STATE PRIORITY` behind its arguments. */
  readonly any?: Command;
  /** URLs that every notice is posted to. */
  readonly webhooks?: readonly string[];
  /** @default 30 s */
  readonly timeoutMs?: number;
}

/** What is told. */
export interface Notice {
  readonly type: "INSTANCE" | "GROUP";
  readonly name: string;
  readonly state: NotifyState;
  /** Effective priority; 0 for a group. */
  readonly priority: number;
  readonly reason: string;
}

const TIMEOUT_MS = 30_000;
/** Notices that wait; further ones push the oldest out. */
const MAX_WAITING = 100;

/** What is not here has no hook of its own: `any` and the URLs are told. */
const KEY_OF_STATE: Partial<Record<NotifyState, "master" | "backup" | "fault" | "stop" | "conflict">> = {
  MASTER: "master",
  BACKUP: "backup",
  FAULT: "fault",
  STOP: "stop",
  MASTER_RX_LOWER_PRI: "conflict",
};

/** Runs the hooks of one instance or group. */
export class Notifier {
  readonly #settings: NotifySettings;
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #scripts: NoticeQueue;
  readonly #posts: readonly NoticeQueue[];

  constructor(settings: NotifySettings, timers: Timers, logger: Logger) {
    this.#settings = settings;
    this.#timers = timers;
    this.#logger = logger;
    this.#scripts = new NoticeQueue((notice) => this.#runScripts(notice), logger);
    this.#posts = (settings.webhooks ?? []).map(
      (url) => new NoticeQueue((notice) => this.#post(url, notice), logger),
    );
  }

  /** Queues a notice. */
  notify(notice: Notice): void {
    this.#scripts.add(notice);
    for (const queue of this.#posts) queue.add(notice);
  }

  /** Settles when all hooks have run. */
  async idle(): Promise<void> {
    await Promise.all([this.#scripts, ...this.#posts].map((queue) => queue.idle()));
  }

  async #runScripts(notice: Notice): Promise<void> {
    const { type, name, state, priority } = notice;
    const key = KEY_OF_STATE[state];
    const own = key && this.#settings[key];
    const { any } = this.#settings;
    if (own !== undefined) await this.#call(own, notice);
    if (any !== undefined) {
      await this.#call({ ...any, args: [...any.args, type, name, state, String(priority)] }, notice);
    }
  }

  async #call(command: Command, { type, name, state, priority, reason }: Notice): Promise<void> {
    const env = {
      UVS_HA_TYPE: type,
      UVS_HA_NAME: name,
      UVS_HA_STATE: state,
      UVS_HA_PRIORITY: String(priority),
      UVS_HA_REASON: reason,
    };
    const end = await runProgram(command, { env, timeoutMs: this.#timeoutMs }, this.#timers);
    if (end.status !== 0) {
      this.#logger.warn({ hook: command.path, state }, `hook ${command.path} for ${state}: ${end.reason}`);
    }
  }

  async #post(url: string, notice: Notice): Promise<void> {
    const body = { ...notice, host: hostname(), at: new Date().toISOString() };
    const failure = await postJson(url, body, this.#timeoutMs);
    if (failure !== undefined) {
      this.#logger.warn({ hook: url, state: notice.state }, `webhook ${url} for ${notice.state}: ${failure}`);
    }
  }

  get #timeoutMs(): number {
    return this.#settings.timeoutMs ?? TIMEOUT_MS;
  }
}

/** Notices that are worked off one after another. */
class NoticeQueue {
  readonly #work: (notice: Notice) => Promise<void>;
  readonly #logger: Logger;
  readonly #waiting: Notice[] = [];
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();

  constructor(work: (notice: Notice) => Promise<void>, logger: Logger) {
    this.#work = work;
    this.#logger = logger;
  }

  add(notice: Notice): void {
    this.#waiting.push(notice);
    if (this.#waiting.length > MAX_WAITING) {
      const lost = this.#waiting.shift();
      this.#logger.warn({ state: lost?.state }, "a hook was left out: too many wait for a slow one");
    }
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  idle(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift()) {
      await this.#work(notice);
    }
    this.#isRunning = false;
  }
}
