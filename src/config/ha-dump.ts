/** High availability: from settings back to the section that means them. */
import type {
  HaNotifySettings,
  HaRecoverySettings,
  HaResourceSettings,
  HaSettings,
  HaTrackSettings,
  VrrpRouterSettings,
} from "../core/ha-settings.js";
import { defaultWindowMs, routerName } from "./ha-config.js";
import { syncEntry } from "./ha-sync.js";

/** Keys of programs, in the order of the documentation. */
const HOOKS = ["master", "backup", "fault", "stop", "conflict", "any"] as const;

type Mapping = Readonly<Record<string, unknown>>;

/** The section `ha` with every key that has a value other than its default. */
export function haEntry(ha: HaSettings): Mapping {
  return given({
    floating: ha.floating.map(({ address, prefix, interface: device, ...rest }) =>
      given({
        address: `${address}/${prefix}`,
        interface: device,
        broadcast: rest.broadcast,
        scope: rest.scope,
        label: rest.label,
        advertised: unless(rest.isAdvertised, true),
      }),
    ),
    vrrp: ha.vrrp.map((router) => routerEntry(router, ha)),
    scripts: ha.scripts.map(({ name, command, intervalMs, timeoutMs, rise, fall }) =>
      given({
        name,
        command: commandEntry(command),
        interval: duration(intervalMs),
        timeout: timeoutMs === intervalMs ? undefined : duration(timeoutMs),
        rise: unless(rise, 1),
        fall: unless(fall, 1),
      }),
    ),
    "sync-groups": ha.syncGroups.map(({ name, members, notify }) =>
      given({ name, members, notify: notifyEntry(notify) }),
    ),
    sync: ha.sync && syncEntry(ha.sync),
  });
}

function routerEntry(router: VrrpRouterSettings, ha: HaSettings): Mapping {
  const { unicast, hmac, announce, recovery, track } = router;
  const movesAll = ha.vrrp.length === 1 && router.floating.length === ha.floating.length;
  const entry = given({
    name: unless(router.name, routerName({ name: undefined, id: router.id })),
    id: router.id,
    interface: router.interface,
    version: unless(router.version, router.family === 4 ? 2 : 3),
    priority: unless(router.priority, 100),
    advertise: time(router.advertMs, 1000),
    source: router.source,
    peers: unicast?.peers.map(({ address, minTtl, maxTtl }) =>
      minTtl === 0 && maxTtl === 255 ? address : { address, "min-ttl": minTtl, "max-ttl": maxTtl },
    ),
    ttl: unicast && unless(unicast.ttl, 255),
    password: router.password,
    hmac:
      hmac &&
      given({
        keys: hmac.keys.map(({ id, key }) => ({ id, key })),
        active: hmac.activeKey,
        mode: unless(hmac.mode, "enforce"),
        window: time(hmac.windowMs, defaultWindowMs(router.advertMs)),
      }),
    checksum: unless(router.checksum, "pseudo-header"),
    preempt: unless(router.preempt, true),
    "preempt-delay": time(router.preemptDelayMs, 0),
    "dead-adverts": unless(router.deadAdverts, 3),
    "startup-delay": time(router.startupDelayMs, 0),
    "last-advert": unless(router.lastAdvert, true),
    track: given({
      interfaces: trackEntries(track, "interface"),
      scripts: trackEntries(track, "script"),
      services: trackEntries(track, "service"),
    }),
    announce: given({
      repeat: unless(announce.repeat, 5),
      delay: time(announce.delayMs, 5000),
      refresh: time(announce.refreshMs, 60_000),
    }),
    resources: router.resources.map(resourceEntry),
    recovery: recoveryEntry(recovery),
    notify: notifyEntry(router.notify),
  });
  // An empty list says something too: none of the addresses.
  return movesAll ? entry : { ...entry, floating: router.floating };
}

function recoveryEntry({ restarts, retryMs, releaseMs }: HaRecoverySettings): Mapping {
  return given({
    restarts: unless(restarts, 3),
    retry: time(retryMs, 60_000),
    release: time(releaseMs, 10_000),
  });
}

function trackEntries(track: readonly HaTrackSettings[], kind: HaTrackSettings["kind"]): unknown[] {
  return track
    .filter((tracked) => tracked.kind === kind)
    .map(({ name, weight, reverse }) =>
      weight === 0 && !reverse
        ? name
        : given({ name, weight: unless(weight, 0), reverse: unless(reverse, false) }),
    );
}

function resourceEntry(resource: HaResourceSettings): Mapping {
  const { monitorMs, startTimeoutMs, stopTimeoutMs } = resource;
  const times = {
    monitor: time(monitorMs, 10_000),
    "start-timeout": time(startTimeoutMs, 20_000),
    "stop-timeout": time(stopTimeoutMs, 20_000),
  };
  switch (resource.kind) {
    case "lsb":
      return given({ lsb: resource.path, args: resource.args, ...times });
    case "ocf": {
      const { provider, type, instance, parameters } = resource;
      return given({ ocf: `${provider}:${type}`, instance, parameters, ...times });
    }
    case "systemd":
      return given({ systemd: resource.unit, ...times });
  }
}

function notifyEntry({ webhooks, timeoutMs, ...hooks }: HaNotifySettings): Mapping {
  const commands = HOOKS.map((state) => [state, hooks[state] && commandEntry(hooks[state])]);
  return given({ ...Object.fromEntries(commands), webhooks, timeout: time(timeoutMs, 30_000) });
}

/** As a text, where that is read as the same words. */
function commandEntry({ path, args }: { readonly path: string; readonly args: readonly string[] }): unknown {
  const words = [path, ...args];
  return words.every((word) => /^\S+$/.test(word)) ? words.join(" ") : { program: path, args };
}

/** Without what is missing or empty. */
function given(mapping: Mapping): Mapping {
  const kept = Object.entries(mapping).filter(([, value]) => {
    if (Array.isArray(value)) return value.length > 0;
    return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : value !== undefined;
  });
  return Object.fromEntries(kept);
}

function unless<T>(value: T, normal: T): T | undefined {
  return value === normal ? undefined : value;
}

function time(ms: number, normalMs: number): string | undefined {
  return ms === normalMs ? undefined : duration(ms);
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
