/**
 * All virtual routers of a director with what belongs to them: groups of resources, hooks, tracked interfaces and scripts.
 * The one class that a composition root makes for VRRP.
 */
import type { Logger } from "../../core/logger.js";
import { Announcer } from "../announce/announcer.js";
import type { IpCommand } from "../links/ip-command.js";
import { type LinkSnapshot, LinkWatch } from "../links/link-watch.js";
import type { RawSockets } from "../raw-sockets.js";
import { FloatingAddresses, removeLeftovers } from "../resources/floating-addresses.js";
import { type GroupStatus, ResourceGroup } from "../resources/group.js";
import type { HeldNote } from "../resources/held-note.js";
import { Notifier } from "../resources/notify.js";
import { ResourceRunner } from "../resources/runner.js";
import { scriptResource } from "../resources/script-resources.js";
import type { Timers } from "../timers.js";
import { ScriptCheck } from "../tracking/script-check.js";
import type { TrackedState } from "../tracking/tracking.js";
import { Instance } from "./instance.js";
import type { Outgoing } from "./outgoing.js";
import { checkVrrp, type RouterSettings, type VrrpSettings } from "./peer-settings.js";
import { RawTransports } from "./raw-transport.js";
import type { InstanceEvent, InstanceStatus } from "./status.js";
import { SyncGroup } from "./sync-group.js";

/** What it is made of. */
export interface VrrpParts {
  readonly timers: Timers;
  readonly raw: RawSockets;
  readonly ip: IpCommand;
  readonly note: HeldNote;
  readonly logger: Logger;
  readonly onEvent?: (event: InstanceEvent) => void;
}

/** A virtual router as it is now. */
export interface RouterStatus extends InstanceStatus {
  readonly group: GroupStatus;
  readonly announcements: number;
  readonly syncGroup?: string;
}

interface Router {
  readonly settings: RouterSettings;
  readonly instance: Instance;
  readonly group: ResourceGroup;
  readonly announcer: Announcer;
  readonly notifier: Notifier;
  readonly syncGroup: string | undefined;
}

/** See the file's head. */
export class VrrpPeer {
  readonly #parts: VrrpParts;
  readonly #transports: RawTransports;
  readonly #routers: readonly Router[];
  readonly #syncNotifiers: ReadonlyMap<string, Notifier>;
  readonly #checks: readonly ScriptCheck[];
  readonly #links: LinkWatch;

  /** @throws UvsError INVALID where the settings make no sense */
  constructor(settings: VrrpSettings, parts: VrrpParts) {
    const { routers, syncGroups = [], scripts = [] } = settings;
    checkVrrp(settings);
    const floating = new Set(routers.flatMap((router) => router.floating.map(({ address }) => address)));
    this.#parts = parts;
    this.#transports = new RawTransports(parts.raw, (address) => floating.has(address));
    const groups = new Map(syncGroups.map(({ name }) => [name, new SyncGroup(name)]));
    this.#syncNotifiers = new Map(
      syncGroups.map(({ name, notify = {} }) => [name, new Notifier(notify, parts.timers, parts.logger)]),
    );
    this.#routers = routers.map((router) => {
      const name = syncGroups.find(({ members }) => members.includes(router.name))?.name;
      return this.#router(router, name === undefined ? undefined : groups.get(name));
    });
    this.#checks = scripts.map(
      (script) =>
        new ScriptCheck(script, parts.timers, (state, reason) => {
          parts.logger.info(
            { script: script.name, state },
            `tracked script ${script.name} is ${state}: ${reason}`,
          );
          for (const { instance } of this.#routers) instance.track("script", script.name, state);
        }),
    );
    this.#links = new LinkWatch(watchedInterfaces(routers), {
      ...parts,
      onChange: (snapshot) => this.#linksChanged(snapshot),
    });
  }

  /**
   * Removes what an earlier process has left, and takes part.
   * @throws UvsError PERMISSION or SYSCALL where sockets cannot be opened
   */
  async start(): Promise<void> {
    const { ip, note, logger } = this.#parts;
    const configured = this.#routers.flatMap(({ settings }) => settings.floating);
    const failure = await removeLeftovers(configured, { ip, note, logger });
    if (failure !== undefined) logger.error({}, `a left over address: ${failure}`);
    await this.#links.start();
    for (const { instance } of this.#routers) instance.start();
    for (const check of this.#checks) check.start();
  }

  /** Leaves politely; settles when no address is held any more. */
  async stop(): Promise<void> {
    for (const check of this.#checks) check.stop();
    await Promise.all(this.#routers.map(({ instance }) => instance.stop()));
    this.#links.stop();
    await Promise.all(this.#routers.map(({ group }) => group.stopped()));
    const notifiers = [...this.#routers.map(({ notifier }) => notifier), ...this.#syncNotifiers.values()];
    await Promise.all(notifiers.map((notifier) => notifier.idle()));
  }

  /** Says how a virtual service is, for routers that track it. */
  setService(key: string, state: TrackedState): void {
    for (const { instance } of this.#routers) instance.track("service", key, state);
  }

  /** The router of this name; undefined: there is none. */
  instance(name: string): Instance | undefined {
    return this.#routers.find(({ instance }) => instance.name === name)?.instance;
  }

  /** Lets a group come back here before its time after a failure. */
  clear(name: string): void {
    this.#routers.find(({ instance }) => instance.name === name)?.group.clear();
  }

  status(): RouterStatus[] {
    return this.#routers.map(({ instance, group, announcer, syncGroup }) => ({
      ...instance.status(),
      group: group.status(),
      announcements: announcer.sent,
      ...(syncGroup !== undefined && { syncGroup }),
    }));
  }

  /** Packets for virtual routers that are not configured here, by id. */
  unknownVrids(): ReadonlyMap<number, number> {
    return this.#transports.unknownVrids();
  }

  /** What somebody else would have to send to say that this director has left, by interface. */
  farewells(): { readonly interface: string; readonly packets: readonly Outgoing[] }[] {
    return this.#routers
      .filter(({ instance }) => instance.state === "MASTER")
      .map(({ settings, instance }) => ({ interface: settings.interface, packets: instance.farewell() }));
  }

  #router(settings: RouterSettings, syncGroup: SyncGroup | undefined): Router {
    const { timers, raw, ip, note } = this.#parts;
    const logger = this.#parts.logger.child({ router: settings.name });
    const announcer = new Announcer(settings.floating, settings.announce ?? {}, { raw, timers, logger });
    const addresses = new FloatingAddresses(settings.floating, {
      ip,
      note,
      announcer,
      timers,
      logger,
      onLost: (reason) => group.fail(reason),
    });
    const resources = (settings.resources ?? []).map((resource) => scriptResource(resource, timers));
    const runner = new ResourceRunner(resources, settings.group ?? {}, {
      timers,
      logger,
      onFailure: (reason) => group.fail(reason),
    });
    const group = new ResourceGroup(settings.group ?? {}, {
      addresses,
      runner,
      timers,
      logger,
      onTrouble: (reason) => instance.setFault("group", reason),
    });
    const notifier = new Notifier(settings.notify ?? {}, timers, logger);
    const instance = new Instance(settings, {
      timers,
      openTransport: this.#transports.of(settings),
      holder: group,
      logger,
      onEvent: (event) => this.#event(event, notifier, syncGroup),
      ...(syncGroup !== undefined && { syncGroup }),
    });
    return { settings, instance, group, announcer, notifier, syncGroup: syncGroup?.name };
  }

  #event(event: InstanceEvent, notifier: Notifier, syncGroup: SyncGroup | undefined): void {
    const name = event.instance;
    if (event.kind === "transition") {
      const state = event.to === "INIT" ? "STOP" : event.to;
      const { priority, reason } = event;
      notifier.notify({ type: "INSTANCE", name, state, priority, reason });
      if (syncGroup?.isSettled(state === "STOP" ? "INIT" : state)) {
        const group = this.#syncNotifiers.get(syncGroup.name);
        group?.notify({ type: "GROUP", name: syncGroup.name, state, priority: 0, reason });
      }
    } else if (event.kind === "conflict") {
      const reason = `heard ${event.source} with priority ${event.priority}`;
      const { priority } = event;
      notifier.notify({ type: "INSTANCE", name, state: "MASTER_RX_LOWER_PRI", priority, reason });
    }
    this.#parts.onEvent?.(event);
  }

  #linksChanged(snapshot: LinkSnapshot): void {
    for (const { settings, instance, group } of this.#routers) {
      for (const { kind, name } of settings.track ?? []) {
        if (kind === "interface") instance.track("interface", name, snapshot.up.has(name) ? "up" : "down");
      }
      instance.refreshSource();
      group.check(snapshot);
    }
  }
}

function watchedInterfaces(routers: readonly RouterSettings[]): string[] {
  return routers.flatMap(({ interface: own, floating, track = [] }) => [
    own,
    ...floating.map((address) => address.interface),
    ...track.filter(({ kind }) => kind === "interface").map(({ name }) => name),
  ]);
}
