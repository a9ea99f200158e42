/** The configuration as the director takes it: plain, cloneable, every default filled in. */
import {
  type ConnectionTimeouts,
  type Realserver,
  SCHEDULER_FLAG_BITS,
  type VirtualService,
} from "../core/model.js";
import { expandRange } from "./realserver-range.js";
import type { FileEntry, RealserverEntry, ServiceEntry } from "./schema.js";

/** One validated configuration. */
export interface Config {
  readonly services: readonly VirtualService[];
  readonly timeouts: ConnectionTimeouts;
  readonly control: ControlConfig;
  readonly dataplane: "auto" | "native" | "net";
  /** Threads of the native data plane, 1 to 64; auto is one for each core. */
  readonly threads: number | "auto";
  readonly limits: LimitsConfig;
  readonly shutdown: { readonly graceMs: number };
  readonly log: LogConfig;
  readonly accessLog?: AccessLogConfig;
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
  readonly services: number;
  readonly realservers: number;
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
    control: file.control,
    dataplane: file.dataplane,
    threads: file.threads,
    limits: file.limits,
    shutdown: { graceMs: file.shutdown.grace },
    log: file.log,
    ...(accessLog && { accessLog }),
  };
}

function toService(entry: ServiceEntry): VirtualService {
  const flags = entry["scheduler-flags"] ?? [];
  return {
    id: entry.listen,
    settings: {
      scheduler: entry.scheduler,
      schedulerFlags: flags.reduce((bits, flag) => bits | SCHEDULER_FLAG_BITS[flag], 0),
      onePacket: false,
      ...(entry.sorry && { sorry: entry.sorry }),
      timeouts: { connectMs: entry["connect-timeout"] },
      limits: {
        connections: entry["max-connections"],
        perSource: entry["max-connections-per-source"],
      },
      redispatch: entry.redispatch,
    },
    realservers: (entry.realservers ?? []).flatMap((realserver) =>
      toRealservers(realserver, entry.listen.port),
    ),
  };
}

function toRealservers(entry: RealserverEntry, servicePort: number): Realserver[] {
  const settings = {
    weight: entry.weight,
    forwarding: entry.forwarding,
    upperThreshold: entry["upper-threshold"],
    lowerThreshold: entry["lower-threshold"],
  };
  return expandRange(entry.address, servicePort).map((endpoint) => ({ ...endpoint, ...settings }));
}
