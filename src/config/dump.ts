/**
 * A configuration as the YAML file that means it: what `loadConfig` reads back as the same configuration. What has its
 * default is left out, so that the text is as short as a file written by hand.
 */
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { formatEndpoint } from "../core/address.js";
import {
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import { formatPorts } from "../core/port-list.js";
import { schedulerFlagNames } from "../core/scheduler-flags.js";
import { addressingEntry } from "./addressing.js";
import type { Config } from "./config.js";
import { haEntry } from "./ha-dump.js";
import { healthEntry } from "./health-config.js";
import { parseConfig } from "./load.js";
import { acceptProxyEntry, proxyProtocolEntry } from "./proxy-protocol.js";

type Mapping = Readonly<Record<string, unknown>>;

/** The text of the file, ending in a newline; without any value that differs from its default a comment says so. */
export function dumpConfig(config: Config): string {
  const file = withoutDefaults(fileEntry(config), fileEntry(DEFAULTS));
  const services = config.services.map(dumpService);
  const whole = { ...(services.length > 0 && { services }), ...file };
  if (Object.keys(whole).length === 0) return "# no services, and every value has its default\n";
  return stringify(whole, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** One service with one realserver, as the loader fills them in: where the defaults are known from. */
const DEFAULTS = parseConfig('services: [{ listen: "tcp://192.0.2.1:1", realservers: ["192.0.2.2"] }]', "", {
  schedulers: ["wlc"],
});
const [DEFAULT_SERVICE] = DEFAULTS.services;
const [DEFAULT_REALSERVER] = DEFAULT_SERVICE.realservers;

function dumpService(service: VirtualService): Mapping {
  const { listen, ...settings } = serviceEntry(service);
  const { listen: _, ...defaults } = serviceEntry(DEFAULT_SERVICE);
  const realservers = service.realservers.map(dumpRealserver);
  return {
    listen,
    ...withoutDefaults(settings, defaults),
    ...(realservers.length > 0 && { realservers }),
  };
}

/** A mapping, or just the address where all else has its default. */
function dumpRealserver(server: Realserver): Mapping | string {
  const settings = withoutDefaults(realserverEntry(server), realserverEntry(DEFAULT_REALSERVER));
  const address = formatEndpoint(server);
  return Object.keys(settings).length === 0 ? address : { address, ...settings };
}

/** The top level without the services. */
function fileEntry(config: Config): Mapping {
  const { timeouts, control, state } = config;
  return {
    timeouts: {
      tcp: `${timeouts.tcpSec}s`,
      "tcp-fin": `${timeouts.tcpFinSec}s`,
      udp: `${timeouts.udpSec}s`,
    },
    sysctls: config.sysctls,
    forwarding: config.forwarding,
    state: state?.directory,
    "persist-edits": state?.persistEdits ?? false,
    control: { socket: control.socket, mode: control.mode.toString(8).padStart(4, "0") },
    dataplane: config.dataplane,
    threads: config.threads,
    limits: config.limits,
    shutdown: { grace: duration(config.shutdown.graceMs) },
    log: config.log,
    "access-log": config.accessLog,
    metrics: config.metrics && { listen: formatEndpoint(config.metrics.listen) },
    ha: config.ha && haEntry(config.ha),
  };
}

function serviceEntry({ id, settings }: VirtualService): Mapping {
  const { persistence, sorry, timeouts, limits } = settings;
  return {
    ...listenEntry(id, settings),
    scheduler: settings.scheduler,
    "scheduler-flags": schedulerFlagNames(settings.schedulerFlags, settings.scheduler),
    persistence: persistence && { timeout: `${persistence.timeoutSec}s`, netmask: persistence.netmask },
    "persistence-engine": settings.persistenceEngine,
    ...addressingEntry(settings),
    "one-packet": settings.onePacket,
    sorry: sorry && formatEndpoint(sorry),
    "sorry-proxy-protocol": settings.sorryProxyProtocol && `v${settings.sorryProxyProtocol}`,
    "accept-proxy": acceptProxyEntry(settings.acceptProxy, duration),
    "connect-timeout": duration(timeouts.connectMs),
    redispatch: settings.redispatch,
    "max-connections": limits.connections,
    "max-connections-per-source": limits.perSource,
    ...healthEntry(settings.health),
  };
}

/** The keys that say what a service is and what it listens on. */
function listenEntry(id: ServiceId, { listenOn }: ServiceSettings): Mapping {
  if (listenOn === undefined) return { listen: serviceKey(id) };
  if (!("fwmark" in id))
    return { listen: serviceKey(id), ports: formatPorts(listenOn.map(({ port }) => port)) };
  return {
    listen: listenOn.map((member) => `${member.transport ?? "tcp"}://${formatEndpoint(member)}`),
    mark: id.fwmark,
  };
}

function realserverEntry(server: Realserver): Mapping {
  return {
    weight: server.weight,
    "upper-threshold": server.upperThreshold,
    "lower-threshold": server.lowerThreshold,
    forwarding: server.forwarding,
    tunnel: server.tunnel,
    "proxy-protocol": proxyProtocolEntry(server.proxyProtocol),
  };
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** What differs from its default; of a mapping that has defaults only the keys that do. */
function withoutDefaults(entry: Mapping, defaults: Mapping): Mapping {
  const kept = Object.entries(entry).flatMap(([key, value]) => {
    const normal = defaults[key];
    if (value === undefined || isDeepStrictEqual(value, normal)) return [];
    return [[key, isMapping(value) && isMapping(normal) ? withoutDefaults(value, normal) : value]];
  });
  return Object.fromEntries(kept) as Mapping;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
