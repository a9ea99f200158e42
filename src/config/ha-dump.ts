/** High availability: from settings back to the section that means them. */
import type { HaSettings, HaTrackSettings, VrrpRouterSettings } from "../core/ha-settings.js";
import { defaultWindowMs, routerName } from "./ha-config.js";
import { fenceEntry } from "./ha-fencing.js";
import {
  commandEntry,
  duration,
  given,
  groupEntry,
  type Mapping,
  notifyEntry,
  time,
  unless,
} from "./ha-group-dump.js";
import { syncEntry } from "./ha-sync.js";
import { heartbeatEntry } from "./heartbeat-dump.js";

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
    heartbeat: ha.heartbeat && heartbeatEntry(ha.heartbeat, ha.floating),
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
    fencing: ha.fencing.map(fenceEntry),
    sync: ha.sync && syncEntry(ha.sync),
  });
}

function routerEntry(router: VrrpRouterSettings, ha: HaSettings): Mapping {
  const { unicast, hmac, track } = router;
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
    ...groupEntry(router),
  });
  // An empty list says something too: none of the addresses.
  return movesAll ? entry : { ...entry, floating: router.floating };
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
