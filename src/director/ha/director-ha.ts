/**
 * High availability as the director sees it: a thread of its own that it starts when the configuration wants it, replaces
 * when it dies, and asks.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LogConfig } from "../../config/config.js";
import { type PlainError, UvsError } from "../../core/errors.js";
import type { HaSettings } from "../../core/ha-settings.js";
import type { HaChoice, HaStatus } from "../../core/ha-status.js";
import type { Logger } from "../../core/logger.js";
import type { HandoverWord, RouterStanding } from "../../ha/handover.js";
import type {
  HaAnswerMessage,
  HaNews,
  HaRequestMessage,
  HaRequestName,
  HaRequests,
  HaThreadData,
  ServiceState,
} from "./messages.js";

/** What it is constructed with. */
export interface DirectorHaOptions {
  readonly log: LogConfig;
  /** Path of the note of the addresses that are held. */
  readonly note: string;
  readonly logger: Logger;
  /** How virtual services are now, by their keys. */
  readonly serviceState: (key: string) => ServiceState;
  /** Told how the virtual routers stand, whenever that has changed. */
  readonly onRouters?: (standings: readonly RouterStanding[]) => void;
  /** Told when this director was master and has left. */
  readonly onLeft?: (word: HandoverWord) => void;
}

interface Waiting {
  resolve(value: never): void;
  reject(error: UvsError): void;
}

/** After the death of a thread; doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** A thread that has left gets so long to end. */
const LAST_MS = 1000;

/** See the file's head. */
export class DirectorHa {
  readonly #options: DirectorHaOptions;
  readonly #waiting = new Map<number, Waiting>();
  #settings: HaSettings | undefined;
  #worker: Worker | undefined;
  #lastId = 0;
  #restarts = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: NodeJS.Timeout | undefined;
  /** What the thread was told of services. */
  #told: Record<string, ServiceState> = {};
  #isStopping = false;

  constructor(options: DirectorHaOptions) {
    this.#options = options;
  }

  /**
   * Becomes what a configuration says; undefined: none of it.
   * @returns what was changed, one line each
   * @throws UvsError PERMISSION, SYSCALL, UNSUPPORTED
   */
  async configure(settings: HaSettings | undefined): Promise<readonly string[]> {
    if (settings === undefined) {
      await this.stop();
      return [];
    }
    this.#isStopping = false;
    this.#settings = settings;
    if (this.#worker === undefined) this.#start();
    const changes = await this.#ask("configure", settings);
    this.followServices();
    return changes;
  }

  /** Leaves politely: the peers take over, and nothing is held any more when it settles. */
  async stop(): Promise<void> {
    this.#settings = undefined;
    clearTimeout(this.#retry);
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#isStopping = true;
    const ended = once(worker, "exit");
    await this.#ask("stop", null).catch(() => {});
    // By itself, so that the programs it has started are waited for; but not for long.
    const limit = setTimeout(() => void worker.terminate(), LAST_MS);
    await ended;
    clearTimeout(limit);
    this.#told = {};
  }

  async status(): Promise<HaStatus> {
    if (this.#settings === undefined) return { isConfigured: false, instances: [] };
    const { thread, ...status } = await this.#ask("status", null);
    return {
      isConfigured: true,
      ...status,
      ...(thread && { thread: { ...thread, restarts: this.#restarts } }),
    };
  }

  /** @throws UvsError NO_INSTANCE, INVALID, UNSUPPORTED where none is configured */
  async command(name: "standby" | "takeover" | "clear", choice: HaChoice): Promise<void> {
    if (this.#settings === undefined) {
      throw new UvsError("UNSUPPORTED", "high availability is not configured (ha)", { side: "config" });
    }
    await this.#ask(name, choice);
    this.#options.logger.info({ ...choice }, `ha ${name} by the operator`);
  }

  /** A peer was master, and has left: whoever stands ready here takes over at once. */
  handedOver(word: HandoverWord): void {
    // Nothing depends on it: the peer has told it by its own packets as well.
    this.#ask("handedOver", word).catch(() => {});
  }

  /** Services may be otherwise now: tells those that are tracked. */
  followServices(): void {
    const tracked = (this.#settings?.vrrp ?? []).flatMap(({ track }) =>
      track.filter(({ kind }) => kind === "service").map(({ name }) => name),
    );
    const news: Record<string, ServiceState> = {};
    for (const key of tracked) {
      const state = this.#options.serviceState(key);
      if (this.#told[key] !== state) news[key] = state;
    }
    if (Object.keys(news).length === 0 || this.#worker === undefined) return;
    Object.assign(this.#told, news);
    // Should the thread be gone, its successor is told everything.
    this.#ask("services", news).catch(() => {});
  }

  #start(): void {
    const { log, note, logger } = this.#options;
    const workerData: HaThreadData = { log, note };
    const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData, name: "uvs-ha" });
    this.#worker = worker;
    this.#told = {};
    worker.on("message", (message: HaAnswerMessage | HaNews) => {
      if ("id" in message) this.#answered(message);
      else if ("left" in message) this.#options.onLeft?.(message.left);
      else this.#options.onRouters?.(message.routers);
    });
    worker.on("error", (error) => logger.error({ err: error }, "high availability failed"));
    worker.once("exit", () => this.#ended(worker));
  }

  #ended(worker: Worker): void {
    if (worker === this.#worker) this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(unavailable());
    this.#waiting.clear();
    if (this.#isStopping || this.#settings === undefined) return;
    this.#restarts++;
    this.#options.logger.error({ pauseMs: this.#pauseMs }, "high availability has died and is started again");
    this.#retry = setTimeout(() => void this.#restart(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  async #restart(): Promise<void> {
    try {
      await this.configure(this.#settings);
      this.#pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      this.#options.logger.error({ reason: UvsError.from(error).message }, "high availability cannot run");
      await this.#worker?.terminate();
    }
  }

  #ask<Name extends HaRequestName>(
    request: Name,
    argument: HaRequests[Name]["takes"],
  ): Promise<HaRequests[Name]["gives"]> {
    return new Promise((resolve, reject) => {
      if (this.#worker === undefined) {
        reject(unavailable());
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request, argument } satisfies HaRequestMessage);
    });
  }

  #answered(message: HaAnswerMessage): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ("error" in message) waiting?.reject(UvsError.fromPlain(message.error as PlainError));
    else waiting?.resolve(message.value as never);
  }
}

function unavailable(): UvsError {
  return new UvsError("UNAVAILABLE", "high availability has died and is being started again", {
    side: "director",
    retryable: true,
  });
}
