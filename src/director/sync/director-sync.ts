/** Joins the links to peers to the rest of the director: which realservers there are, who drains them, what is checked. */
import { isDeepStrictEqual } from "node:util";
import type { ServiceBook } from "../../balancer/service-book.js";
import type { Endpoint } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import { realserverKey, type ServiceId, serviceKey } from "../../core/model.js";
import type { SyncSettings, SyncStatus } from "../../core/sync-settings.js";
import type { Supervisor } from "../../forwarder/supervisor.js";
import type { TemplateReplica } from "../../forwarder/template-replica.js";
import type { HandoverWord, RouterStanding } from "../../ha/handover.js";
import { SystemTimers } from "../../ha/timers.js";
import type { Editor } from "../editor.js";
import type { DirectorHealth } from "../health.js";
import { DrainShare } from "./drain-share.js";
import { HealthShare, takeHealth } from "./health-share.js";
import { PeerSync } from "./peer-sync.js";

/** The parts of a director that are shared with peers. */
export interface DirectorSyncParts {
  readonly book: ServiceBook;
  readonly editor: Editor;
  readonly health: DirectorHealth;
  readonly supervisor: Supervisor;
  readonly replica: TemplateReplica;
  readonly logger: Logger;
  /** Runs a change when those before it are through. */
  readonly change: (change: () => Promise<void>) => Promise<void>;
  readonly takeOver: (word: HandoverWord) => void;
}

/** How long a director that starts waits for what its peers know. */
const JOIN_MS = 1000;

/** The links of a director, made and ended as its configuration says. */
export class DirectorSync {
  readonly #parts: DirectorSyncParts;
  #settings: SyncSettings | undefined;
  #sync: PeerSync | undefined;
  /** How the virtual routers stand: for links that are made later. */
  #standings: readonly RouterStanding[] = [];
  /** Services that were there when peers were last asked. */
  #services = new Set<string>();

  constructor(parts: DirectorSyncParts) {
    this.#parts = parts;
  }

  /**
   * Becomes what a configuration says; undefined: no links. Where they are new, settles when everything that peers know is
   * known here, or after a second.
   * @returns what was changed, one line each
   * @throws UvsError CONFIG where the key file or those of TLS cannot be used; the links stay as they are then
   */
  async configure(settings: SyncSettings | undefined): Promise<readonly string[]> {
    if (isDeepStrictEqual(settings, this.#settings)) return this.renewCertificates();
    const next = settings && makePeerSync(settings, this.#parts);
    const line = next === undefined ? "stopped" : this.#sync === undefined ? "started" : "changed";
    this.stop();
    this.#settings = settings;
    this.#sync = next;
    this.#services = this.#persistentServices();
    next?.setRouters(this.#standings);
    next?.start();
    await next?.joined(JOIN_MS);
    return [`sync: ${line}`];
  }

  /**
   * Uses what is in the certificates' files now, for connections from now on.
   * @returns what was changed, one line each
   * @throws UvsError CONFIG where they cannot be used; those of before stay
   */
  renewCertificates(): readonly string[] {
    return this.#sync?.renewCertificates() ? ["sync: certificates exchanged"] : [];
  }

  stop(): void {
    this.#settings = undefined;
    this.#sync?.stop();
    this.#sync = undefined;
  }

  /** How this director's virtual routers stand. */
  setRouters(standings: readonly RouterStanding[]): void {
    this.#standings = standings;
    this.#sync?.setRouters(standings);
  }

  /** This director was master of a virtual router and has given its addresses up. */
  handOver(word: HandoverWord): void {
    this.#sync?.handOver(word);
  }

  /** The replica may know more than before. */
  templatesChanged(): void {
    this.#sync?.templatesChanged();
  }

  /** Services or realservers have changed, or how they are drained. */
  recordChanged(): void {
    if (this.#sync === undefined) return;
    this.#sync.recordChanged();
    const before = this.#services;
    this.#services = this.#persistentServices();
    // What peers have told of a service before it was here was passed over.
    if ([...this.#services].some((key) => !before.has(key))) this.#sync.wantAll();
  }

  /** Undefined where there are no links. */
  status(): SyncStatus | undefined {
    return this.#sync?.status();
  }

  #persistentServices(): Set<string> {
    const persistent = this.#parts.book
      .services()
      .filter(({ settings }) => settings.persistence !== undefined);
    return new Set(persistent.map(({ id }) => serviceKey(id)));
  }
}

/** @throws UvsError CONFIG where the key file or those of TLS cannot be used */
function makePeerSync(settings: SyncSettings, parts: DirectorSyncParts): PeerSync {
  const { book, editor, health, supervisor, replica, logger } = parts;
  const told = new HealthShare();
  return new PeerSync(settings, {
    timers: new SystemTimers(),
    logger,
    replica,
    merge: async (batch, winsTies) => {
      try {
        await supervisor.apply("mergeTemplates", { batch, winsTies });
      } catch (error) {
        logger.error({ err: error }, "templates of a peer could not be taken in");
      }
    },
    drains: new DrainShare({
      servers: function* () {
        for (const { id: service, realservers } of book.services()) {
          for (const server of realservers) {
            yield { service, server, drainedSince: editor.drainOf(service, server)?.since };
          }
        }
      },
      obey: (service, server, isDrained) => obey(parts, service, server, isDrained),
    }),
    health: {
      all: () => HealthShare.all(health.status()),
      changes: () => told.changes(health.status()),
      take: (records) =>
        takeHealth(records, (service, endpoint, areUp) => health.assume(service, endpoint, areUp)),
    },
    takeOver: (word, peer) => {
      logger.info({ peer, ...word }, `${peer} hands virtual router ${word.id} over`);
      parts.takeOver(word);
    },
  });
}

function obey(parts: DirectorSyncParts, service: ServiceId, server: Endpoint, isDrained: boolean): void {
  const { editor, logger, change } = parts;
  const names = { service: serviceKey(service), realserver: realserverKey(server) };
  change(() =>
    isDrained ? editor.drain(service, server, undefined, () => {}) : editor.undrain(service, server),
  ).then(
    () => logger.info(names, isDrained ? "drained, as on a peer" : "drained no longer, as on a peer"),
    (error: unknown) =>
      logger.warn({ ...names, reason: UvsError.from(error).message }, "a peer's drain is not followed"),
  );
}
