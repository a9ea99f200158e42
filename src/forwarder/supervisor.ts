/**
 * Keeps one forwarder generation serving: forks it, gives it the whole state and copies of the listening sockets,
 * replaces it at once when it dies, and at an upgrade lets the old one finish beside the new one.
 *
 * A generation that died takes its connections with it and nothing else: what it had counted is carried on, as it was
 * last reported.
 */
import cluster from "node:cluster";
import type { TemplateBatch, TemplatePosition } from "../balancer/template-stream.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import { type ServiceId, serviceKey } from "../core/model.js";
import type { FigureKind, ServiceStatus } from "../core/status.js";
import { CarriedTotals } from "./carried-totals.js";
import { FIGURE_WIDTHS, type Figures } from "./figures.js";
import { Generation } from "./generation.js";
import type { ListeningSockets, ServiceSockets } from "./listening-sockets.js";
import {
  type ForwarderConfig,
  type ForwarderMessage,
  type ForwarderReport,
  type ForwarderRequests,
  type ListenRequest,
  type PassiveReport,
  type RequestName,
  WITHIN_SERVICE,
  type WithinService,
} from "./messages.js";
import { readServiceRows } from "./status-rows.js";

/** How often totals are fetched, so that a crash loses no more than that of the counters. */
const TOTALS_PERIOD_MS = 1000;

/** How often the templates that a draining forwarder's connections control are handed on. */
const HOLDS_PERIOD_MS = 5000;

/** A forwarder that lived shorter is replaced only after a pause, doubled each time up to the longest. */
const SHORT_LIFE_MS = 2000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** What the supervisor is constructed with. */
export interface SupervisorOptions {
  readonly logger: Logger;
  readonly sockets: ListeningSockets;
  /** Path of the worker's compiled entry. */
  readonly workerPath: string;
  /** Takes once a second what connections said of realservers. */
  readonly onPassive: (report: PassiveReport) => void;
  /** The whole state for a new generation, as it is at the moment of the call. */
  readonly config: (generation: number) => ForwarderConfig;
  /** Persistence templates that a new generation begins with. */
  readonly templates: () => Iterable<TemplateBatch>;
}

/** What all generations report, newest first. */
export interface SupervisorReport {
  readonly forwarders: readonly ForwarderReport["forwarder"][];
  readonly services: readonly ServiceStatus[];
  readonly restarts: number;
}

interface AwaitedStart {
  readonly generation: Generation;
  resolve(): void;
  reject(error: unknown): void;
}

/** Parent of the forwarder generations. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #totals = new CarriedTotals();
  /** Generations that know all templates: only they can say what has changed. */
  readonly #seeded = new WeakSet<Generation>();
  /** Newest first. */
  #generations: Generation[] = [];
  #lastNumber = 0;
  #restarts = 0;
  #pauseMs = 0;
  #startedAtMs = 0;
  #isStopping = false;
  #totalsTimer: NodeJS.Timeout | undefined;
  /** A start that somebody waits for; not set for a generation that replaces a dead one. */
  #awaited: AwaitedStart | undefined;
  /** Changes that are kept back to be passed on together. */
  #held: WithinService[] | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: options.workerPath, args: [], serialization: "json" });
  }

  /** How often a forwarder died and was replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** A service, or one of its realservers, was deleted: made again, it counts from zero. */
  forget(service: string, realserver?: string): void {
    this.#totals.forget(service, realserver);
  }

  /** Makes a generation that serves from now on. @throws UvsError when it cannot be configured */
  start(): Promise<void> {
    this.#totalsTimer ??= setInterval(() => void this.#fetchTotals(), TOTALS_PERIOD_MS);
    return new Promise((resolve, reject) => {
      this.#awaited = { generation: this.#fork(), resolve, reject };
    });
  }

  /**
   * Passes a change on to the generation that serves. A generation that is gone, or not configured yet, needs no telling:
   * the next one begins with the whole state.
   */
  async apply<Name extends RequestName>(
    request: Name,
    argument: ForwarderRequests[Name]["takes"],
  ): Promise<void> {
    if (this.#held !== undefined && isWithinService(request)) {
      this.#held.push({ request, argument } as WithinService);
      return;
    }
    const generation = this.#current();
    if (generation === undefined) return;
    try {
      await generation.request(request, argument);
    } catch (error) {
      if (!(error instanceof UvsError && error.code === "UNAVAILABLE")) throw error;
    }
  }

  /** Passes on in one go what `make` changes within services, after all else that it changes. */
  async together(make: () => Promise<void>): Promise<void> {
    const held: WithinService[] = [];
    this.#held = held;
    try {
      await make();
    } finally {
      this.#held = undefined;
      if (held.length > 0) await this.apply("together", held);
    }
  }

  /** Puts a question to all generations that live. @returns the answers of those that know what is asked about */
  async askAll<Name extends RequestName>(
    request: Name,
    argument: ForwarderRequests[Name]["takes"],
  ): Promise<ForwarderRequests[Name]["gives"][]> {
    const answers = await Promise.allSettled(
      this.#live().map((generation) => generation.request(request, argument)),
    );
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  }

  /** Puts a question to the generation that serves. @returns undefined where there is none now */
  async askServing<Name extends RequestName>(
    request: Name,
    argument: ForwarderRequests[Name]["takes"],
  ): Promise<ForwarderRequests[Name]["gives"] | undefined> {
    return this.#current()?.request(request, argument);
  }

  /** What has changed among the templates of the generation that serves; undefined: nobody can say now. */
  async templateChanges(position: TemplatePosition): Promise<TemplateBatch | undefined> {
    const generation = this.#current();
    if (generation === undefined || !this.#seeded.has(generation)) return undefined;
    return generation.request("templateChanges", position);
  }

  /** Hands sockets to the generation that serves. */
  async listen(sockets: ServiceSockets): Promise<void> {
    const generation = this.#current();
    if (generation !== undefined) await this.#handOver(generation, sockets);
  }

  /** Zeroes counters: those of all generations and those carried on. */
  async zero(id: ServiceId | undefined): Promise<void> {
    this.#totals.zero(id && serviceKey(id));
    await Promise.all(this.#live().map((generation) => generation.request("zero", id ?? null)));
  }

  /**
   * What is counted, that of all generations together; services and realservers are those of the newest one. Templates and
   * rates are the newest one's to say. @returns undefined where there is no forwarder to ask
   */
  async figures(of: FigureKind): Promise<Figures | undefined> {
    const answers = await Promise.allSettled(this.#live().map((generation) => generation.figures(of)));
    const [newest, ...older] = answers.flatMap((answer) =>
      answer.status === "fulfilled" ? [answer.value] : [],
    );
    if (newest === undefined || of === "rates") return newest;
    for (const other of older) newest.add(other, of === "connections" ? 2 : FIGURE_WIDTHS.totals);
    if (of === "totals") this.#totals.addTo(newest);
    return newest;
  }

  /**
   * What is known now; services are those of the newest generation, their counts those of all.
   * @param id of the one service that is asked about; undefined: all
   */
  async report(id?: ServiceId): Promise<SupervisorReport | undefined> {
    const reports = await Promise.all(
      this.#live().map((generation) => generation.request("status", id ?? null).catch(() => undefined)),
    );
    const [newest, ...older] = reports
      .filter((report) => report !== undefined)
      .map(({ forwarder, services }) => ({ forwarder, services: services.map(readServiceRows) }));
    if (newest === undefined) return undefined;
    return {
      forwarders: [newest, ...older].map((report) => report.forwarder),
      services: this.#totals.merge(
        newest.services,
        older.map((report) => report.services),
      ),
      restarts: this.#restarts,
    };
  }

  /** Makes a new generation and lets the present one finish its connections. */
  async upgrade(graceMs: number): Promise<void> {
    const old = this.#current();
    await this.start();
    if (old !== undefined) await this.#drain(old, graceMs);
  }

  /** Asks all generations to open their log files anew. */
  async reopenLogs(): Promise<void> {
    await Promise.all(this.#live().map((generation) => generation.request("reopenLogs", null)));
  }

  /**
   * Stops accepting, lets connections finish for up to `graceMs`, ends all generations.
   * @returns how many connections were reset at the end
   */
  async stop(graceMs: number): Promise<number> {
    this.#isStopping = true;
    clearInterval(this.#totalsTimer);
    const counts = await Promise.all(this.#generations.map((generation) => this.#drain(generation, graceMs)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  #live(): Generation[] {
    return this.#generations.filter(({ state }) => state === "serving" || state === "draining");
  }

  #current(): Generation | undefined {
    return this.#generations.find(({ state }) => state === "serving");
  }

  #fork(): Generation {
    this.#startedAtMs = performance.now();
    const generation = new Generation(++this.#lastNumber, cluster.fork(), {
      hello: (sender) => void this.#configure(sender),
      event: (sender, message) => this.#onEvent(sender, message),
      gone: (sender, reason) => this.#onGone(sender, reason),
    });
    this.#generations.unshift(generation);
    return generation;
  }

  /** Everything is sent in one go, in order: a change that is made meanwhile is sent after it. */
  async #configure(generation: Generation): Promise<void> {
    const { logger, sockets, config } = this.#options;
    try {
      const answers = [generation.request("configure", config(generation.number))];
      generation.state = "serving";
      await this.#seed(generation);
      const older = this.#generations.find((other) => other !== generation && other.state === "serving");
      if (older !== undefined) await this.#handFlows(older, generation);
      for (const service of sockets.all()) answers.push(this.#handOver(generation, service));
      await Promise.all(answers);
      logger.info({ generation: generation.number, pid: generation.pid }, "forwarder serves");
      this.#settleStart(generation)?.resolve();
    } catch (error) {
      const awaited = this.#settleStart(generation);
      if (awaited !== undefined) awaited.reject(error);
      else logger.error({ generation: generation.number, err: error }, "forwarder could not be configured");
      generation.kill();
    }
  }

  /** Before a connection is taken: a client that has a template must find it. */
  async #seed(generation: Generation): Promise<void> {
    for (const batch of this.#options.templates()) {
      if (batch.upserts.length > 0) await generation.request("seedTemplates", batch);
    }
    this.#seeded.add(generation);
  }

  #settleStart(generation: Generation): AwaitedStart | undefined {
    const awaited = this.#awaited;
    if (awaited?.generation !== generation) return undefined;
    this.#awaited = undefined;
    return awaited;
  }

  async #handOver(generation: Generation, sockets: ServiceSockets): Promise<null> {
    const { key, serviceId, transport, endpoint, handles } = sockets;
    await Promise.all(
      handles.map((handle, thread) =>
        generation.request("listen", { key, serviceId, thread, transport, endpoint }, handle),
      ),
    );
    return null;
  }

  #onEvent(generation: Generation, message: ForwarderMessage): void {
    if ("event" in message && message.event === "wantListener") this.#listenAgain(generation, message.listen);
  }

  #listenAgain(generation: Generation, listen: ListenRequest): void {
    const handle = this.#options.sockets.get(listen.key)?.handles[listen.thread];
    if (handle === undefined || generation.state !== "serving") return;
    generation.request("listen", listen, handle).catch((error: unknown) => {
      this.#options.logger.warn({ err: error }, "forwarder could not listen again");
    });
  }

  #onGone(generation: Generation, reason: string): void {
    const { logger } = this.#options;
    this.#generations = this.#generations.filter((other) => other !== generation);
    this.#totals.carryOn(generation);
    const awaited = this.#settleStart(generation);
    if (awaited !== undefined) {
      const message = `the forwarder ended while it started: ${reason}`;
      awaited.reject(new UvsError("INTERNAL", message, { side: "director" }));
      return;
    }
    if (this.#isStopping || this.#current() !== undefined) return;
    this.#restarts++;
    const isShortLived = performance.now() - this.#startedAtMs < SHORT_LIFE_MS;
    this.#pauseMs = isShortLived
      ? Math.min(Math.max(this.#pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
      : 0;
    logger.error(
      { generation: generation.number, reason, pauseMs: this.#pauseMs },
      "forwarder died, its connections are lost; a new one is made",
    );
    if (this.#pauseMs === 0) this.#fork();
    else setTimeout(() => this.#isStopping || this.#fork(), this.#pauseMs);
  }

  /** @returns connections that had to be reset */
  async #drain(generation: Generation, graceMs: number): Promise<number> {
    const { logger } = this.#options;
    generation.state = generation.state === "serving" ? "draining" : generation.state;
    if (generation.state !== "draining") {
      generation.kill();
      return 0;
    }
    // The forwarder keeps the deadline itself; this one is for a forwarder that does not answer any longer.
    const deadline = setTimeout(() => generation.kill(), graceMs + 5000);
    const holds = setInterval(() => void this.#handHolds(generation), HOLDS_PERIOD_MS);
    try {
      const drained = generation.request("drain", { graceMs });
      const serving = this.#current();
      // Some began while the new generation was being told of the others.
      const lastFlows = serving && this.#handFlows(generation, serving);
      const [{ reset }] = await Promise.all([drained, lastFlows]);
      await this.#handHolds(generation);
      this.#totals.note(generation, await generation.figures("totals"));
      logger.info({ generation: generation.number, reset }, "forwarder finished");
      return reset;
    } catch (error) {
      logger.warn({ generation: generation.number, err: error }, "forwarder did not finish");
      return 0;
    } finally {
      clearTimeout(deadline);
      clearInterval(holds);
      generation.kill();
    }
  }

  /** Tells a newer generation which realservers the UDP flows of an older one go to. */
  async #handFlows(older: Generation, newer: Generation): Promise<void> {
    try {
      for (let page = 0, isLast = false; !isLast; ) {
        const { batch, next } = await older.request("flows", page);
        await newer.request("resumeFlows", batch);
        isLast = next === 0;
        page = next;
      }
    } catch (error) {
      this.#options.logger.warn({ err: error }, "UDP flows could not be handed on: they are scheduled anew");
    }
  }

  /** Tells the generation that serves which templates the connections of an older one control. */
  async #handHolds(older: Generation): Promise<void> {
    const serving = this.#current();
    if (serving === undefined) return;
    try {
      for (let row = 1; row !== 0; ) {
        const { batch, next } = await older.request("controlledTemplates", row);
        if (batch.upserts.length > 0) await serving.request("holdTemplates", batch);
        row = next;
      }
    } catch {
      // One of the two has died: the next one that serves begins with what the replica knows.
    }
  }

  async #fetchTotals(): Promise<void> {
    for (const generation of this.#live()) {
      const totals = await generation.figures("totals").catch(() => undefined);
      if (totals !== undefined) this.#totals.note(generation, totals);
      const passive = await generation.request("passive", null).catch(() => undefined);
      if (passive !== undefined) this.#options.onPassive(passive);
    }
  }
}

function isWithinService(request: RequestName): boolean {
  return (WITHIN_SERVICE as readonly RequestName[]).includes(request);
}
