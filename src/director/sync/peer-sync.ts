/**
 * The director's links to its peers. It dials each of them to learn what they know, and lets each of them dial it to learn
 * what it knows itself: templates, drains, what checks have found, how its virtual routers stand. A link that is down, slow
 * or refused costs nothing but the knowledge: whoever tells reads what has changed when the peer has taken what came before.
 */
import { hostname } from "node:os";
import type { TemplateBatch } from "../../balancer/template-stream.js";
import { formatEndpoint } from "../../core/address.js";
import type { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { SyncSettings, SyncStatus } from "../../core/sync-settings.js";
import type { TemplateReplica } from "../../forwarder/template-replica.js";
import { Candidates, type HandoverWord, type RouterStanding } from "../../ha/handover.js";
import type { SyncConnection, SyncParts } from "../../ha/sync/connection.js";
import { type SyncCounters, zeroSyncCounters } from "../../ha/sync/counters.js";
import { SyncDialer } from "../../ha/sync/dialer.js";
import { readKeyFile } from "../../ha/sync/key-file.js";
import { LinkTls } from "../../ha/sync/link-tls.js";
import { SyncListener } from "../../ha/sync/listener.js";
import type { SyncMessage } from "../../ha/sync/seal.js";
import type { CancelTimer, Timers } from "../../ha/timers.js";
import { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import { type DrainRecord, type DrainShare, MAX_DRAINS } from "./drain-share.js";
import { type HealthRecord, MAX_HEALTH_RECORDS } from "./health-share.js";
import { parseHandover, parseStandings } from "./router-messages.js";
import { parsePosition } from "./template-batch.js";
import { TemplatePublisher } from "./template-publisher.js";
import { TemplateSubscriber } from "./template-subscriber.js";

/** Between two looks for changes that nobody has told of. */
const TICK_MS = 1000;
/** Between two reminders of what open connections hold; less than a peer keeps it. */
const REMIND_TICKS = 30;
const JOIN_POLL_MS = 5;

/** What the links tell and whom they tell. */
export interface PeerSyncParts {
  readonly timers: Timers;
  readonly logger: Logger;
  readonly replica: TemplateReplica;
  /** Puts templates of a peer into the forwarder that serves; never rejects. */
  readonly merge: (batch: TemplateBatch, winsTies: boolean) => Promise<void>;
  readonly drains: DrainShare;
  readonly health: {
    all(): HealthRecord[];
    changes(): HealthRecord[];
    /** @throws UvsError INVALID */
    take(records: unknown): void;
  };
  /** A peer that was master has left: whether this director takes over is decided there. */
  readonly takeOver: (word: HandoverWord, peer: string) => void;
}

interface Source {
  readonly dialer: SyncDialer;
  readonly templates: TemplateSubscriber;
}

interface Receiver {
  readonly connection: SyncConnection;
  readonly templates: TemplatePublisher;
  readonly since: string;
}

/** See the file's head. */
export class PeerSync {
  readonly #settings: SyncSettings;
  readonly #node: string;
  readonly #parts: PeerSyncParts;
  readonly #logger: Logger;
  readonly #warnings: RateLimitedLog;
  readonly #counters: SyncCounters = zeroSyncCounters();
  readonly #tls: LinkTls | undefined;
  readonly #listener: SyncListener;
  readonly #sources: readonly Source[];
  /** By name of the peer. */
  readonly #receivers = new Map<string, Receiver>();
  readonly #candidates = new Candidates();
  #standings: readonly RouterStanding[] = [];
  #ticks = 0;
  #cancelTick: CancelTimer = () => {};

  /** @throws UvsError CONFIG where the key file, or those of TLS, cannot be used */
  constructor(settings: SyncSettings, parts: PeerSyncParts) {
    const { node = hostname(), listen, peers, keyFile, tls } = settings;
    this.#settings = settings;
    this.#node = node;
    this.#parts = parts;
    this.#logger = parts.logger.child({ sync: node });
    this.#warnings = new RateLimitedLog(this.#logger, parts.timers);
    this.#tls = tls && new LinkTls(tls);
    const link: SyncParts = {
      node,
      key: readKeyFile(keyFile),
      ...(this.#tls && { tls: this.#tls }),
      timers: parts.timers,
      counters: this.#counters,
    };
    this.#listener = new SyncListener(
      listen,
      link,
      {
        opened: (connection) => this.#receiverCame(connection),
        message: (connection, message) => this.#heardReceiver(connection, message),
        closed: (connection, error) => this.#receiverWent(connection, error),
      },
      this.#logger,
    );
    this.#sources = peers.map((peer) => {
      const templates = new TemplateSubscriber((batch) => this.#merge(dialer, batch));
      const dialer = new SyncDialer(peer, link, {
        opened: (connection) => this.#sourceCame(connection, templates),
        message: (connection, message) => this.#heardSource(connection, templates, message),
        closed: (connection, error) => this.#sourceWent(connection, error),
      });
      return { dialer, templates };
    });
  }

  start(): void {
    this.#warnOfCertificates();
    this.#listener.start();
    for (const { dialer } of this.#sources) dialer.start();
    this.#tick();
  }

  stop(): void {
    this.#cancelTick();
    for (const { dialer } of this.#sources) dialer.stop();
    this.#listener.stop();
    this.#warnings.flush();
  }

  /**
   * Reads the certificates again, for connections from now on.
   * @returns whether they have changed
   * @throws UvsError CONFIG where they cannot be used; those of before stay
   */
  renewCertificates(): boolean {
    if (this.#tls?.renew() !== true) return false;
    this.#warnOfCertificates();
    return true;
  }

  /** Resolves when everything that peers know is known here too, as far as they can be reached, or after `limitMs`. */
  async joined(limitMs: number): Promise<void> {
    const endMs = this.#parts.timers.nowMs() + limitMs;
    const isJoined = ({ dialer, templates }: Source): boolean =>
      templates.isCurrent || dialer.status().lastFailure !== undefined;
    while (!this.#sources.every(isJoined) && this.#parts.timers.nowMs() < endMs) {
      await new Promise<void>((resolve) => void this.#parts.timers.after(JOIN_POLL_MS, resolve));
    }
  }

  /** The replica may know more than before. */
  templatesChanged(): void {
    for (const { templates } of this.#receivers.values()) templates.pump();
  }

  /** Services or realservers have changed, or how they are drained. */
  recordChanged(): void {
    this.#tellAll("drains", this.#parts.drains.follow(), MAX_DRAINS);
  }

  /** Services are there that peers may have told of before: they tell of everything again. */
  wantAll(): void {
    for (const { templates, dialer } of this.#sources) {
      dialer.connection?.send(templates.again());
    }
  }

  /** How this director's virtual routers stand; call it when that has changed. */
  setRouters(standings: readonly RouterStanding[]): void {
    this.#standings = standings;
    for (const { connection } of this.#receivers.values())
      connection.send({ kind: "routers", routers: standings });
  }

  /** This director was master of a virtual router and has given its addresses up. */
  handOver(word: HandoverWord): void {
    const peer = this.#candidates.best(word);
    const receiver = peer === undefined ? undefined : this.#receivers.get(peer);
    if (receiver === undefined) return;
    receiver.connection.send({ kind: "handover", router: word });
    this.#logger.info({ peer, ...word }, `virtual router ${word.id} is handed over to ${peer}`);
  }

  status(): SyncStatus {
    const { failure } = this.#listener;
    return {
      node: this.#node,
      listen: formatEndpoint(this.#settings.listen),
      ...(failure !== undefined && { listenFailure: failure }),
      ...(this.#tls && { tls: this.#tls.status() }),
      sources: this.#sources.map(({ dialer, templates }) => ({
        ...dialer.status(),
        received: templates.received,
      })),
      receivers: [...this.#receivers].map(([node, { connection, templates, since }]) => ({
        node,
        address: connection.remote,
        since,
        ...templates.status(),
        queuedBytes: connection.queuedBytes,
      })),
      counters: { ...this.#counters },
    };
  }

  #warnOfCertificates(): void {
    for (const warning of this.#tls?.warnings ?? []) this.#logger.warn({}, warning);
  }

  #receiverCame(connection: SyncConnection): void {
    const templates = new TemplatePublisher(this.#parts.replica, (message) => connection.send(message));
    this.#receivers.set(connection.peer, { connection, templates, since: new Date().toISOString() });
    for (const { dialer } of this.#sources) {
      const { node = connection.peer } = dialer.status();
      if (node === connection.peer) dialer.hurry();
    }
    const { drains, health } = this.#parts;
    tell(connection, "drains", drains.all(), MAX_DRAINS);
    tell(connection, "health", health.all(), MAX_HEALTH_RECORDS);
    connection.send({ kind: "routers", routers: this.#standings });
    this.#logger.info(
      { peer: connection.peer, address: connection.remote },
      `${connection.peer} is told what changes`,
    );
  }

  #heardReceiver(connection: SyncConnection, { kind, position }: SyncMessage): void {
    const templates = this.#receivers.get(connection.peer)?.templates;
    if (kind === "want") templates?.want(parsePosition(position));
    else if (kind === "got") templates?.got();
  }

  #receiverWent(connection: SyncConnection, error: UvsError): void {
    if (this.#receivers.get(connection.peer)?.connection === connection)
      this.#receivers.delete(connection.peer);
    this.#went(connection, "told what changes", error);
  }

  #sourceCame(connection: SyncConnection, templates: TemplateSubscriber): void {
    connection.send(templates.open());
    this.#logger.info(
      { peer: connection.peer, address: connection.remote },
      `${connection.peer} tells what changes`,
    );
  }

  #heardSource(connection: SyncConnection, templates: TemplateSubscriber, message: SyncMessage): void {
    const { peer } = connection;
    switch (message.kind) {
      case "templates":
      case "held":
        templates.take(message, () => connection.send({ kind: "got" }));
        break;
      case "drains":
        this.#parts.drains.take(message["drains"]);
        break;
      case "health":
        this.#parts.health.take(message["health"]);
        break;
      case "routers":
        this.#candidates.set(peer, parseStandings(message["routers"]));
        break;
      case "handover":
        this.#parts.takeOver(parseHandover(message["router"]), peer);
        break;
      default:
        // A later version may tell more.
        this.#logger.debug({ peer, kind: message.kind }, "a message of a kind that is not known");
    }
  }

  #sourceWent(connection: SyncConnection, error: UvsError): void {
    this.#candidates.forget(connection.peer);
    this.#went(connection, "heard", error);
  }

  #went({ peer, remote }: SyncConnection, what: string, { message: reason }: UvsError): void {
    const who = peer === "" ? `a peer at ${remote}` : `${peer} (${remote})`;
    // The port of who connects differs each time.
    const key = `${what} ${peer === "" ? remote.replace(/:\d+$/, "") : peer} ${reason}`;
    this.#warnings.warn(key, () => ({
      fields: { peer, address: remote, reason },
      message: `${who} is not ${what}: ${reason}`,
    }));
  }

  async #merge(dialer: SyncDialer, batch: TemplateBatch): Promise<void> {
    const winsTies = (dialer.status().node ?? "") > this.#node;
    this.#parts.replica.merge(batch, winsTies);
    await this.#parts.merge(batch, winsTies);
  }

  #tick(): void {
    this.#cancelTick = this.#parts.timers.after(TICK_MS, () => this.#tick());
    this.#warnings.tick();
    if (this.#receivers.size === 0) return;
    this.#tellAll("health", this.#parts.health.changes(), MAX_HEALTH_RECORDS);
    const isReminder = ++this.#ticks % REMIND_TICKS === 0;
    for (const { templates } of this.#receivers.values()) {
      if (isReminder) templates.remind();
      else templates.pump();
    }
  }

  #tellAll(kind: string, records: readonly (DrainRecord | HealthRecord)[], most: number): void {
    for (const { connection } of this.#receivers.values()) tell(connection, kind, records, most);
  }
}

/** Sends records in messages of at most so many. */
function tell(connection: SyncConnection, kind: string, records: readonly object[], most: number): void {
  for (let at = 0; at < records.length; at += most) {
    connection.send({ kind, [kind]: records.slice(at, at + most) });
  }
}
