/**
 * A cluster with one configuration: joins the state machine with its messages, its timer, and what it commands. It runs on
 * the thread that made it and waits for nothing: addresses, resources, hooks and fencing go on beside it, so that messages
 * are never late because of them.
 */
import { isDeepStrictEqual } from "node:util";
import { UvsError } from "../../core/errors.js";
import type { HaProtocolStatus, HaState } from "../../core/ha-status.js";
import { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import { Fencer } from "../fencing/fencer.js";
import type { LinkSnapshot } from "../links/link-watch.js";
import type { Farewell, HaParts } from "../protocol.js";
import type { CancelTimer } from "../timers.js";
import { type Choice, Cluster, type ClusterSettings } from "./cluster.js";
import { ClusterGroup } from "./cluster-group.js";
import { clusterSettingsOf } from "./cluster-settings.js";
import { zeroCounters } from "./counters.js";
import type { ClusterEffect, ClusterEvent } from "./effects.js";
import { Inbox } from "./inbox.js";
import { KeyFile } from "./key-file.js";
import { narrate } from "./narrator.js";
import { Outgoing } from "./outgoing.js";
import { Pinger } from "./pinger.js";
import { Receiver } from "./receive.js";
import { Senders } from "./senders.js";
import { checkHeartbeat, HEARTBEAT_DEFAULTS, type HeartbeatSettings } from "./settings.js";
import { clusterStatus, faultsOf } from "./status.js";
import type { Link, OpenLink } from "./transport.js";

/** What a session is made of besides the parts of all protocols. */
export interface SessionParts extends HaParts {
  readonly openLink: OpenLink;
  /** Greater than that of every earlier session. */
  readonly generation: number;
}

/** The last message is sent twice, as nobody repeats it. */
const FAREWELLS = 2;
const FAREWELL_INTERVAL_MS = 20;
/** Between two attempts to open a link whose interface has not changed. */
const REOPEN_MS = 3000;

/** See the file's head. */
export class Session {
  readonly settings: HeartbeatSettings;
  readonly cluster: Cluster;
  readonly groups: readonly ClusterGroup[];
  readonly senders = new Senders();
  readonly counters = zeroCounters();
  readonly pinger: Pinger;
  /** What the state machine was made with. */
  readonly chosen: ClusterSettings;
  readonly #parts: SessionParts;
  readonly #inbox: Inbox;
  readonly #outgoing: Outgoing;
  readonly #fencer: Fencer;
  readonly #warnings: RateLimitedLog;
  /** Why groups are or are not here, as it was told last. */
  readonly #reasons = new Map<string, string>();
  #links: readonly Link[] = [];
  #cancelTimer: CancelTimer = () => {};
  #cancelReopen: CancelTimer = () => {};
  #maxLateMs = 0;
  #onStopped: () => void = () => {};
  readonly #releases = new Map<string, Promise<void>>();
  #isRetired = false;

  /**
   * @param predecessor the session that this one goes on for: groups that are the same in both stay as they are
   * @throws UvsError INVALID where the settings make no sense; PERMISSION or CONFIG where the key file does not
   */
  constructor(settings: HeartbeatSettings, parts: SessionParts, predecessor?: Session) {
    const { timers, logger, generation, raw } = parts;
    for (const warning of checkHeartbeat(settings)) logger.warn({}, `heartbeat: ${warning}`);
    const keyFile = new KeyFile(settings.keyFile, timers, logger);
    const keys = () => keyFile.keys;
    const { node, nodes, encoding = "netstring", ping } = settings;
    const chosen = clusterSettingsOf(settings);
    this.settings = settings;
    this.chosen = chosen;
    this.#parts = parts;
    this.#warnings = new RateLimitedLog(logger, timers);
    this.cluster = new Cluster(chosen);
    this.#inbox = new Inbox({
      receiver: new Receiver({ node, nodes, generation }, keys),
      senders: this.senders,
      counters: this.counters,
      warnings: this.#warnings,
      logger,
      configuration: chosen.configuration,
      answer: (to, acknowledged) => {
        if (acknowledged === undefined) this.#send(this.#outgoing.nodeList(to, nodes));
        else this.#send(this.#outgoing.acknowledgement(to, acknowledged));
        this.#send(this.#outgoing.resource(this.cluster.heldScope));
      },
    });
    this.#outgoing = new Outgoing({ node, nodes: nodes.length, generation, encoding }, keys);
    this.groups = settings.groups.map(
      (group) =>
        predecessor?.groups.find((own) => isDeepStrictEqual(own.settings, group)) ??
        new ClusterGroup(group, parts),
    );
    this.#fencer = new Fencer(settings.fencing ?? {}, {
      timers,
      logger,
      onResult: (result) => {
        this.counters[result.isDone ? "fenced" : "fence_failed"]++;
        parts.onEvent?.({ kind: "fencing", ...result });
        if (result.isDone) this.#apply(this.cluster.fenced(timers.nowMs(), result.node));
      },
    });
    this.pinger = new Pinger(
      {
        targets: ping?.targets ?? [],
        intervalMs: chosen.keepaliveMs,
        deadMs: ping?.deadMs ?? chosen.deadMs,
      },
      {
        raw,
        timers,
        keys,
        onCount: (count) => this.#apply(this.cluster.setPings(timers.nowMs(), count)),
        onTrouble: (host, errno) => this.#warn(`ping ${errno}`, `ping node ${host}: ${errno}`),
      },
    );
  }

  /** The latest that the timer ever was. */
  get maxLateMs(): number {
    return this.#maxLateMs;
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  /**
   * Opens the links and begins, or goes on for a predecessor.
   * @throws UvsError PERMISSION or SYSCALL where ping nodes need sockets that cannot be opened
   */
  start(predecessor?: Session): void {
    const { openLink, timers } = this.#parts;
    const { port = HEARTBEAT_DEFAULTS.port } = this.settings;
    this.pinger.start();
    predecessor?.retire();
    for (const group of this.groups) {
      group.onTrouble = (trouble) =>
        this.#apply(this.cluster.setTrouble(timers.nowMs(), group.name, trouble));
    }
    this.#links = this.settings.links.map((settings) => {
      const name = `${settings.kind} ${settings.interface}`;
      return openLink(settings, port, {
        onDatagram: (datagram, source) => this.#received(name, datagram, source),
        onTrouble: (key, words) => this.#warn(`${name} ${key}`, `link ${name}: ${words}`),
      });
    });
    this.#reopen();
    const kept = new Set(
      this.groups.flatMap((group) => (predecessor?.groups.includes(group) ? [group.name] : [])),
    );
    this.#apply(
      predecessor === undefined
        ? this.cluster.start(timers.nowMs())
        : this.cluster.succeed(timers.nowMs(), predecessor.cluster, kept),
    );
  }

  /** Gives up, in order, what a successor does not have in the same way. */
  async dropAllBut(successor: Session): Promise<void> {
    for (const group of this.groups.filter((own) => !successor.groups.includes(own))) {
      this.#apply(this.cluster.end(this.#parts.timers.nowMs(), group.name));
      await this.#releases.get(group.name);
      await group.idle();
    }
  }

  /** Ends without a word, for a successor. */
  retire(): void {
    this.#isRetired = true;
    this.#cancelTimer();
    this.#end();
  }

  /** Leaves politely. Settles when nothing is held any more and the others were told. */
  async stop(): Promise<void> {
    if (this.cluster.phase !== "stopped") {
      const stopped = new Promise<void>((resolve) => {
        this.#onStopped = resolve;
      });
      this.#apply(this.cluster.stop(this.#parts.timers.nowMs()));
      await stopped;
    }
    this.#end();
    await Promise.all(this.groups.map((group) => group.idle()));
  }

  /** The interfaces have changed. */
  linksChanged(snapshot: LinkSnapshot): void {
    // First what is overdue: whoever stood still must not add what others have taken meanwhile.
    const nowMs = this.#parts.timers.nowMs();
    if ((this.cluster.deadlineMs ?? nowMs + 1) <= nowMs) this.#apply(this.cluster.timer(nowMs));
    for (const link of this.#links) link.refresh();
    for (const { group } of this.groups) group.check(snapshot);
  }

  /** @throws UvsError UNAVAILABLE where nobody could take over */
  standby(choice: Choice): void {
    const refusal = this.cluster.standbyRefusal(choice);
    if (refusal !== undefined) {
      throw new UvsError("UNAVAILABLE", `heartbeat: standby is refused: ${refusal}`, { retryable: true });
    }
    this.#apply(this.cluster.standby(this.#parts.timers.nowMs(), choice));
  }

  takeover(choice: Choice): void {
    this.#clearGroups(choice);
    this.#apply(this.cluster.takeover(this.#parts.timers.nowMs(), choice));
  }

  /** Ends `standby` and forgets failures. */
  clear(choice: Choice): void {
    this.#clearGroups(choice);
    this.#apply(this.cluster.online(this.#parts.timers.nowMs(), choice));
  }

  /** What is to be sent in this director's place when it has died: a message for every link and destination. */
  farewells(): Farewell[] {
    if (this.cluster.phase !== "active") return [];
    const message = this.#outgoing.lastFarewell();
    const { port = HEARTBEAT_DEFAULTS.port, links } = this.settings;
    return this.#links.flatMap(({ source, destinations }, i) =>
      source === undefined
        ? []
        : destinations.map((destination) => ({
            family: destination.includes(":") ? (6 as const) : (4 as const),
            interface: links[i].interface,
            source: isLinkLocal(source) ? `${source}%${links[i].interface}` : source,
            destination,
            port,
            message,
          })),
    );
  }

  /** See `HaProtocol`. */
  silenceMs(): number | undefined {
    return this.cluster.holdings.some(({ isHere }) => isHere) ? this.cluster.leaseMs : undefined;
  }

  status(): HaProtocolStatus {
    return clusterStatus(this, this.#parts.timers.nowMs());
  }

  #end(): void {
    this.#cancelReopen();
    this.pinger.stop();
    this.#fencer.stop();
    for (const link of this.#links) link.close();
    this.#warnings.flush();
  }

  #clearGroups(choice: Choice): void {
    for (const { name, group } of this.groups) if ((choice.group ?? name) === name) group.clear();
  }

  #received(link: string, datagram: Uint8Array, source: string): void {
    const nowMs = this.#parts.timers.nowMs();
    const read = this.#inbox.read(link, datagram, source, nowMs);
    if (read !== undefined) this.#apply(this.cluster.heard(nowMs, read.node, read.heard));
  }

  #apply(effects: readonly ClusterEffect[]): void {
    if (this.#isRetired) return;
    for (const effect of effects) this.#perform(effect);
    this.#updateStates();
    this.#arm();
  }

  #perform(effect: ClusterEffect): void {
    switch (effect.do) {
      case "send":
        this.#send(this.#outgoing.status(this.cluster.report(this.#parts.timers.nowMs())));
        this.#parts.onAlive?.();
        break;
      case "farewell":
        void this.#sayFarewell();
        break;
      case "acquire":
        this.#group(effect.group)?.group.acquire();
        break;
      case "release":
        this.#releases.set(effect.group, this.#release(effect.group, effect.isUrgent));
        break;
      case "announce":
        this.#group(effect.group)?.group.announce();
        break;
      case "fence":
        this.#fencer.fence(effect.node);
        break;
      case "spare":
        this.#fencer.spare(effect.node);
        break;
      case "tell":
        this.#tell(effect.event);
        break;
    }
  }

  async #release(name: string, isUrgent: boolean): Promise<void> {
    await this.#group(name)?.group.release(isUrgent);
    this.#apply(this.cluster.released(this.#parts.timers.nowMs(), name));
  }

  async #sayFarewell(): Promise<void> {
    const message = this.#outgoing.farewell();
    for (let i = 0; i < FAREWELLS; i++) {
      this.#send(message);
      // A datagram is sent in a later turn of the loop, and not at all once its socket was closed.
      await new Promise<void>((resolve) => this.#parts.timers.after(FAREWELL_INTERVAL_MS, resolve));
    }
    this.#onStopped();
  }

  #send(datagram: Uint8Array): void {
    for (const link of this.#links) {
      if (link.trouble !== undefined) this.counters.send_err++;
      else {
        this.counters.sent += link.destinations.length;
        link.send(datagram);
      }
    }
  }

  #tell(event: ClusterEvent): void {
    const { logger, onEvent } = this.#parts;
    narrate(event, logger, this.counters);
    switch (event.kind) {
      case "group":
        if (event.to !== "free") this.#reasons.set(event.group, event.reason);
        break;
      case "conflict": {
        const group = this.#group(event.group);
        group?.conflict(event.node, event.outcome === "stays here", this.#score(event.group));
        break;
      }
      case "stalled":
        for (const { name } of this.groups)
          onEvent?.({ kind: "stalled", instance: name, lateMs: event.lateMs });
        break;
      case "node":
      case "quorum":
        onEvent?.(event);
        break;
      default:
    }
  }

  #updateStates(): void {
    for (const group of this.groups) {
      const [state, reason] = this.#stateOf(group.name);
      group.become(state, reason, this.#score(group.name));
    }
  }

  #stateOf(name: string): [HaState, string] {
    const { phase, holdings } = this.cluster;
    const holding = holdings.find((own) => own.name === name);
    const reason = this.#reasons.get(name) ?? "every node is known";
    if (holding === undefined || phase === "stopped") return ["INIT", "stopped"];
    if (holding.isHere) return ["MASTER", reason];
    if (phase !== "active") return ["INIT", phase];
    const faults = faultsOf(this, holding);
    return faults.length > 0 ? ["FAULT", faults.join("; ")] : ["BACKUP", reason];
  }

  #score(name: string): number {
    const holding = this.cluster.holdings.find((own) => own.name === name);
    return holding === undefined ? 0 : this.cluster.score(holding.group);
  }

  #arm(): void {
    const { timers } = this.#parts;
    const { deadlineMs } = this.cluster;
    this.#cancelTimer();
    if (deadlineMs === undefined) return;
    this.#cancelTimer = timers.after(deadlineMs - timers.nowMs(), () => {
      const nowMs = timers.nowMs();
      this.#maxLateMs = Math.max(this.#maxLateMs, nowMs - deadlineMs);
      this.#warnings.tick();
      this.#apply(this.cluster.timer(nowMs));
    });
  }

  /** A port that was taken may be free again. */
  #reopen(): void {
    this.#cancelReopen = this.#parts.timers.after(REOPEN_MS, () => {
      for (const link of this.#links) if (link.trouble !== undefined) link.refresh();
      this.#reopen();
    });
  }

  #group(name: string): ClusterGroup | undefined {
    return this.groups.find((group) => group.name === name);
  }

  #warn(key: string, message: string): void {
    this.#warnings.warn(key, () => ({ fields: { reason: key }, message: `heartbeat: ${message}` }));
  }
}

function isLinkLocal(address: string): boolean {
  return address.startsWith("fe80:");
}
