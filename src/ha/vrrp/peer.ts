/** VRRP as a director has it: all its virtual routers, with the interfaces and scripts that they track. */
import { isDeepStrictEqual } from "node:util";
import { UvsError } from "../../core/errors.js";
import type { HaChoice, HaProtocolStatus } from "../../core/ha-status.js";
import type { HandoverWord } from "../handover.js";
import { type LinkSnapshot, LinkWatch } from "../links/link-watch.js";
import type { Farewell, HaParts, HaProtocol } from "../protocol.js";
import { removeLeftovers } from "../resources/floating-addresses.js";
import { Notifier } from "../resources/notify.js";
import { ScriptCheck, type ScriptCheckSettings } from "../tracking/script-check.js";
import type { TrackedKind, TrackedState } from "../tracking/tracking.js";
import type { Instance } from "./instance.js";
import { PeerFencing } from "./peer-fencing.js";
import {
  checkVrrp,
  type RouterSettings,
  type SyncGroupSettings,
  type VrrpSettings,
} from "./peer-settings.js";
import { RawTransports } from "./raw-transport.js";
import { Router } from "./router.js";
import { SyncGroup } from "./sync-group.js";

/** At the end hooks get so long; what runs then goes on by itself. */
const LAST_HOOKS_MS = 2000;

interface Synced {
  readonly settings: SyncGroupSettings;
  readonly group: SyncGroup;
  readonly notifier: Notifier;
}

/** See the file's head. */
export class VrrpPeer implements HaProtocol<VrrpSettings> {
  readonly protocol = "vrrp";
  readonly #parts: HaParts;
  readonly #transports: RawTransports;
  readonly #links: LinkWatch;
  readonly #fencing: PeerFencing;
  #settings: VrrpSettings;
  #floating: ReadonlySet<string>;
  #routers: Router[];
  #synced: Synced[];
  #checks: readonly { readonly settings: ScriptCheckSettings; readonly check: ScriptCheck }[];
  /** How what can be tracked is, by kind and name: for routers that are made later. */
  readonly #states = new Map<string, readonly [TrackedKind, string, TrackedState]>();

  /** @throws UvsError INVALID where the settings make no sense */
  constructor(settings: VrrpSettings, parts: HaParts) {
    checkVrrp(settings);
    this.#parts = parts;
    this.#settings = settings;
    this.#floating = floatingOf(settings);
    this.#transports = new RawTransports(parts.raw, (address) => this.#floating.has(address));
    const { timers, logger } = parts;
    this.#fencing = new PeerFencing(settings.fencing ?? [], {
      timers,
      logger,
      onResult: (result, waiting) => {
        const waits = ({ instance }: Router): boolean => waiting.has(instance.fencing.waiter);
        for (const { instance } of this.#routers.filter(waits)) instance.fenceEnded(result);
      },
    });
    this.#synced = (settings.syncGroups ?? []).map((group) => this.#sync(group));
    this.#routers = settings.routers.map((router) => this.#router(router));
    this.#checks = (settings.scripts ?? []).map((script) => this.#check(script));
    this.#links = new LinkWatch(watchedInterfaces(settings), {
      ...parts,
      onLook: (snapshot) => this.#linksChanged(snapshot),
    });
  }

  async start(): Promise<void> {
    const { interfaces, note, logger } = this.#parts;
    const configured = this.#settings.routers.flatMap(({ floating }) => floating);
    const failure = removeLeftovers(configured, { interfaces, note, logger });
    if (failure !== undefined) logger.error({}, `a left over address: ${failure}`);
    this.#links.start();
    for (const { instance } of this.#routers) instance.start();
    for (const { check } of this.#checks) check.start();
  }

  async stop(): Promise<void> {
    for (const { check } of this.#checks) check.stop();
    await Promise.all(this.#routers.map((router) => router.stop()));
    this.#fencing.stop();
    this.#links.stop();
    const hooks = [
      ...this.#routers.map((router) => router.hooksRun()),
      ...this.#synced.map(({ notifier }) => notifier.idle()),
    ];
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.timers.after(LAST_HOOKS_MS, resolve);
      void Promise.all(hooks).then(() => {
        cancel();
        resolve();
      });
    });
  }

  async reload(settings: VrrpSettings): Promise<readonly string[]> {
    checkVrrp(settings);
    const before = this.#settings;
    const same = (router: RouterSettings): boolean =>
      isDeepStrictEqual(router, routerOf(before, router.name)) &&
      isDeepStrictEqual(syncOf(before, router.name), syncOf(settings, router.name));
    const gone = before.routers.filter(({ name }) => routerOf(settings, name) === undefined);
    const rest = settings.routers.filter((router) => !same(router));
    const changed = rest.filter(({ name }) => routerOf(before, name) !== undefined);
    const added = rest.filter(({ name }) => routerOf(before, name) === undefined);

    await Promise.all(gone.map(({ name }) => this.#remove(name)));
    this.#settings = settings;
    this.#floating = floatingOf(settings);
    this.#synced = (settings.syncGroups ?? []).map(
      (group) => this.#synced.find((old) => isDeepStrictEqual(old.settings, group)) ?? this.#sync(group),
    );
    this.#changeChecks(settings.scripts ?? []);
    this.#links.watch(watchedInterfaces(settings));
    for (const router of changed) await this.#replace(router);
    for (const router of added) this.#start(this.#router(router));
    const waiters = new Set(this.#routers.map(({ instance }) => instance.fencing.waiter));
    const isFencingChanged = this.#fencing.change(settings.fencing ?? [], waiters);
    return [
      ...gone.map(({ name }) => `vrrp ${name}: removed`),
      ...changed.map(({ name }) => `vrrp ${name}: changed`),
      ...added.map(({ name }) => `vrrp ${name}: added`),
      ...(isFencingChanged ? ["vrrp fencing: changed"] : []),
    ];
  }

  standby(choice: HaChoice): void {
    for (const { instance } of this.#chosen(choice)) instance.standby();
  }

  takeover(choice: HaChoice): void {
    const chosen = this.#chosen(choice);
    this.clear(choice);
    for (const { instance } of chosen) instance.takeover();
  }

  clear(choice: HaChoice): void {
    for (const { instance, group } of this.#chosen(choice)) {
      group.clear();
      instance.online();
    }
  }

  handedOver({ id, family, source }: HandoverWord): void {
    for (const { settings, instance } of this.#routers) {
      if (settings.id === id && settings.family === family) instance.handedOver(source);
    }
  }

  setService(key: string, state: TrackedState): void {
    this.#track("service", key, state);
  }

  status(): HaProtocolStatus {
    const unknown = [...this.#transports.unknownVrids()].map(([id, packets]) => ({ id, packets }));
    return { instances: this.#routers.map((router) => router.status()), unknownVrids: unknown };
  }

  farewells(): Farewell[] {
    return this.#routers.flatMap((router) => router.farewells());
  }

  silenceMs(): number | undefined {
    const all = this.#routers.flatMap(({ instance }) => instance.silenceMs ?? []);
    return all.length > 0 ? Math.min(...all) : undefined;
  }

  #router(settings: RouterSettings, predecessor?: Router): Router {
    const synced = this.#synced.find(({ settings: { members } }) => members.includes(settings.name));
    const parts = {
      ...this.#parts,
      openTransport: this.#transports.of(settings),
      fencing: this.#fencing,
      ...(synced !== undefined && { syncGroup: synced.group }),
      onSettled: (name: string, { to, reason }: { to: Instance["state"]; reason: string }) => {
        const state = to === "INIT" ? "STOP" : to;
        synced?.notifier.notify({ type: "GROUP", name, state, priority: 0, reason });
      },
    };
    return new Router(settings, parts, predecessor);
  }

  #start(router: Router, isSuccessor = false): void {
    this.#routers.push(router);
    router.learn(this.#states.values());
    router.instance.start(isSuccessor);
  }

  async #remove(name: string): Promise<void> {
    const [router] = this.#chosen({ instance: name });
    await router.stop();
    router.retire();
    this.#routers = this.#routers.filter((other) => other !== router);
  }

  /** A master stays master, if what has changed does not make it another virtual router. */
  async #replace(settings: RouterSettings): Promise<void> {
    const [old] = this.#chosen({ instance: settings.name });
    const { isStandby, isLeaving } = old.instance;
    if (isLeaving || !isSameRouter(old.settings, settings)) await old.stop();
    const isSuccessor = old.retire();
    this.#routers = this.#routers.filter((other) => other !== old);
    const router = this.#router(settings, old);
    if (isStandby) router.instance.standby();
    this.#start(router, isSuccessor);
    if (isSuccessor) await old.dropRest(settings);
  }

  #sync(settings: SyncGroupSettings): Synced {
    const { timers, logger } = this.#parts;
    const notifier = new Notifier(settings.notify ?? {}, timers, logger);
    return { settings, group: new SyncGroup(settings.name), notifier };
  }

  #check(settings: ScriptCheckSettings) {
    const { timers, logger } = this.#parts;
    const { name } = settings;
    const check = new ScriptCheck(settings, timers, (state, reason) => {
      logger.info({ script: name, state }, `tracked script ${name} is ${state}: ${reason}`);
      this.#track("script", name, state);
    });
    return { settings, check };
  }

  #changeChecks(scripts: readonly ScriptCheckSettings[]): void {
    const old = this.#checks;
    this.#checks = scripts.map((script) => {
      const kept = old.find(({ settings }) => isDeepStrictEqual(settings, script));
      if (kept !== undefined) return kept;
      const made = this.#check(script);
      made.check.start();
      return made;
    });
    for (const entry of old) if (!this.#checks.includes(entry)) entry.check.stop();
  }

  /** @throws UvsError NO_INSTANCE, INVALID */
  #chosen({ instance: name, scope = "all" }: HaChoice): readonly Router[] {
    if (scope !== "all") {
      throw new UvsError("INVALID", `scope: found ${scope}, accepted with VRRP is all, or an instance`);
    }
    const chosen = this.#routers.filter((router) => name === undefined || router.name === name);
    if (chosen.length > 0) return chosen;
    const names = this.#routers.map((router) => router.name).join(" ");
    throw new UvsError("NO_INSTANCE", `there is no instance ${name}; there are ${names}`, {
      details: { instance: name ?? "" },
    });
  }

  #track(kind: TrackedKind, name: string, state: TrackedState): void {
    this.#states.set(`${kind} ${name}`, [kind, name, state]);
    for (const { instance } of this.#routers) instance.track(kind, name, state);
  }

  #linksChanged(snapshot: LinkSnapshot): void {
    for (const name of watchedInterfaces(this.#settings)) {
      this.#track("interface", name, snapshot.up.has(name) ? "up" : "down");
    }
    for (const router of this.#routers) router.linksChanged(snapshot);
  }
}

function floatingOf({ routers }: VrrpSettings): Set<string> {
  return new Set(routers.flatMap(({ floating }) => floating.map(({ address }) => address)));
}

function routerOf({ routers }: VrrpSettings, name: string): RouterSettings | undefined {
  return routers.find((router) => router.name === name);
}

function syncOf({ syncGroups = [] }: VrrpSettings, name: string): SyncGroupSettings | undefined {
  return syncGroups.find(({ members }) => members.includes(name));
}

function isSameRouter(a: RouterSettings, b: RouterSettings): boolean {
  return a.id === b.id && a.interface === b.interface && a.family === b.family;
}

function watchedInterfaces({ routers }: VrrpSettings): string[] {
  const all = routers.flatMap(({ interface: own, floating, track = [] }) => [
    own,
    ...floating.map((address) => address.interface),
    ...track.filter(({ kind }) => kind === "interface").map(({ name }) => name),
  ]);
  return [...new Set(all)];
}
