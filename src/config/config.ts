/** The configuration as the director takes it: plain, cloneable, every default filled in. */
import type { Endpoint } from "../core/address.js";
import type { HaSettings } from "../core/ha-settings.js";
import {
  type ConnectionTimeouts,
  type Persistence,
  type Realserver,
  SCHEDULER_FLAG_BITS,
  type ServiceId,
  type VirtualService,
} from "../core/model.js";
import type { SysctlValues } from "../core/sysctls.js";
import { toHa } from "./ha-config.js";
import { toHealth } from "./health-config.js";
import { toAcceptProxy, toProxyProtocol, versionNumber } from "./proxy-protocol.js";
import { expandRange } from "./realserver-range.js";
import type { FileEntry, RealserverEntry, ServiceEntry } from "./schema.js";
import { familyIn, identityOf, listenOnOf } from "./service-identity.js";

/** One validated configuration. */
export interface Config {
  readonly services: readonly VirtualService[];
  readonly timeouts: ConnectionTimeouts;
  readonly sysctls: SysctlValues;
  /** strict refuses realservers whose forwarding method the proxy can only carry in its own way. */
  readonly forwarding: "proxy" | "strict";
  readonly state?: StateConfig;
  readonly control: ControlConfig;
  readonly dataplane: "auto" | "native" | "net";
  /** Threads of the native data plane, 1 to 64; auto is one for each core. */
  readonly threads: number | "auto";
  readonly limits: LimitsConfig;
  readonly shutdown: { readonly graceMs: number };
  readonly log: LogConfig;
  readonly accessLog?: AccessLogConfig;
  /** Where Prometheus may ask for metrics over TCP. */
  readonly metrics?: { readonly listen: Endpoint };
  readonly ha?: HaSettings;
}

/** Where state is kept that outlives the director. */
export interface StateConfig {
  readonly directory: string;
  /** Whether live edits are part of it. */
  readonly persistEdits: boolean;
}

/** The control socket. */
export interface ControlConfig {
  /** Path, at most 107 bytes. */
  readonly socket: string;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
}

/** Bounds of the director. */
export interface LimitsConfig {
  /** Concurrent connections; auto fits them into the limit of file descriptors. */
  readonly connections: number | "auto";
  /** UDP flows; auto is a quarter of the limit of file descriptors. */
  readonly flows: number | "auto";
  readonly services: number;
  readonly realservers: number;
  /** Persistence templates of all services. */
  readonly templates: number;
}

/** The log on standard error. */
export interface LogConfig {
  readonly level: "fatal" | "error" | "warn" | "info" | "debug";
  readonly format: "auto" | "pretty" | "json";
}

/** The access log. */
export interface AccessLogConfig {
  /** Path of a file, or `stdout`. */
  readonly file: string;
}

/** The configuration that a file without errors comes to. */
export function toConfig(file: FileEntry): Config {
  const { timeouts, "access-log": accessLog } = file;
  return {
    services: (file.services ?? []).map(toService),
    timeouts: {
      tcpSec: timeouts.tcp / 1000,
      tcpFinSec: timeouts["tcp-fin"] / 1000,
      udpSec: timeouts.udp / 1000,
    },
    sysctls: file.sysctls,
    forwarding: file.forwarding,
    ...(file.state && { state: { directory: file.state, persistEdits: file["persist-edits"] } }),
    control: file.control,
    dataplane: file.dataplane,
    threads: file.threads,
    limits: file.limits,
    shutdown: { graceMs: file.shutdown.grace },
    log: file.log,
    ...(accessLog && { accessLog }),
    ...(file.metrics && { metrics: file.metrics }),
    ...(file.ha && { ha: toHa(file.ha) }),
  };
}

function toService(entry: ServiceEntry): VirtualService {
  // What cannot be told was refused before.
  const id = identityOf(entry)!;
  const listenOn = listenOnOf(entry);
  const flags = entry["scheduler-flags"] ?? [];
  const health = toHealth(entry);
  return {
    id,
    settings: {
      scheduler: entry.scheduler,
      schedulerFlags: flags.reduce((bits, flag) => bits | SCHEDULER_FLAG_BITS[flag], 0),
      ...(entry.persistence && { persistence: toPersistence(entry.persistence, id) }),
      ...(listenOn && { listenOn }),
      ...(entry.transparent && { transparent: true }),
      ...(entry.source && entry.source.length > 0 && { source: entry.source }),
      ...(entry.intercept && { intercept: { bypass: entry.bypass } }),
      onePacket: entry["one-packet"],
      ...(entry["persistence-engine"] && { persistenceEngine: entry["persistence-engine"] }),
      ...(entry.sorry && { sorry: entry.sorry }),
      ...(entry["sorry-proxy-protocol"] && {
        sorryProxyProtocol: versionNumber(entry["sorry-proxy-protocol"]),
      }),
      ...(entry["accept-proxy"] && { acceptProxy: toAcceptProxy(entry["accept-proxy"]) }),
      timeouts: { connectMs: entry["connect-timeout"] },
      limits: {
        connections: entry["max-connections"],
        perSource: entry["max-connections-per-source"],
      },
      redispatch: entry.redispatch,
      ...(health && { health }),
    },
    realservers: (entry.realservers ?? []).flatMap((realserver) =>
      toRealservers(realserver, "port" in id ? id.port : 0),
    ),
  };
}

function toPersistence(entry: NonNullable<ServiceEntry["persistence"]>, listen: ServiceId): Persistence {
  const family = familyIn(listen);
  const netmask = entry.netmask ?? (family === 4 ? "255.255.255.255" : 128);
  return { timeoutSec: entry.timeout / 1000, netmask };
}

function toRealservers(entry: RealserverEntry, servicePort: number): Realserver[] {
  const settings = {
    weight: entry.weight,
    forwarding: entry.forwarding,
    upperThreshold: entry["upper-threshold"],
    lowerThreshold: entry["lower-threshold"],
    ...(entry.tunnel && { tunnel: entry.tunnel }),
    ...(entry["proxy-protocol"] && { proxyProtocol: toProxyProtocol(entry["proxy-protocol"]) }),
  };
  return expandRange(entry.address, servicePort).map((endpoint) => ({ ...endpoint, ...settings }));
}
