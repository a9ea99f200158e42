/**
 * What the director is told to do: virtual services and their realservers, as plain objects that survive JSON and a
 * structured clone. Configuration files, the control API and uvsadm all produce these; the balancer obeys them.
 */
import { type Endpoint, type Family, formatEndpoint } from "./address.js";
import { UvsError } from "./errors.js";
import type { HealthSettings } from "./health-settings.js";

export type Protocol = "tcp" | "udp" | "sctp";

/** The forwarding method asked for: `-m`, `-g`, `-i`. */
export type ForwardingMethod = "masq" | "route" | "tunnel";

/** What clients address: protocol and VIP:port, or a firewall mark. */
export type ServiceId =
  | { readonly protocol: Protocol; readonly address: string; readonly port: number }
  | { readonly fwmark: number; readonly family: Family };

/** Scheduler flags by their ipvsadm names; `flag-1` to `flag-3` are the bare bits of any scheduler. */
export const SCHEDULER_FLAG_BITS = {
  "sh-fallback": 0x08,
  "sh-port": 0x10,
  "mh-fallback": 0x08,
  "mh-port": 0x10,
  "flag-1": 0x08,
  "flag-2": 0x10,
  "flag-3": 0x20,
} as const;
export type SchedulerFlag = keyof typeof SCHEDULER_FLAG_BITS;

/** Persistence of a service (`-p`, `-M`). */
export interface Persistence {
  /** 1 to 2678400 */
  readonly timeoutSec: number;
  /** Dotted IPv4 mask, or IPv6 prefix length as a number. */
  readonly netmask: string | number;
}

/** Time-outs of one service's connections, in milliseconds. */
export interface ServiceTimeouts {
  /** To connect to a realserver before the next one is tried. @default 5000 */
  readonly connectMs: number;
}

/** Bounds of one service; 0 means none. */
export interface ServiceLimits {
  /** Concurrent connections of the service. @default 0 */
  readonly connections: number;
  /** Concurrent connections of one client address to the service. @default 0 */
  readonly perSource: number;
}

/** The PROXY protocol header that a realserver is sent before the first byte of a connection. */
export interface ProxyProtocol {
  readonly version: 1 | 2;
  /** Version 2 with a CRC32c of the header (TLV 0x03). @default false */
  readonly crc32c: boolean;
  /** Version 2 with an id that no other connection has (TLV 0x05). @default false */
  readonly uniqueId: boolean;
}

/** Connections to a service begin with a PROXY protocol header where they come from a trusted proxy. */
export interface AcceptProxy {
  /** Networks of the trusted proxies in canonical text (core/network.ts); 1 to MAX_TRUSTED_NETWORKS. */
  readonly from: readonly string[];
  /** What becomes of clients from elsewhere: they are served as they are, or reset. @default "plain" */
  readonly others: "plain" | "refuse";
  /** Time for the whole header, 1 to 3600000. @default 5000 */
  readonly timeoutMs: number;
  /** Longest header in bytes, DEFAULT_MAX_HEADER to MAX_HEADER (core/proxy-protocol/format.ts). @default 536 */
  readonly maxHeader: number;
}

/** Networks that one service may list in `acceptProxy`. */
export const MAX_TRUSTED_NETWORKS = 64;

/** An address and port that a service lists to be listened on. */
export interface ListenEndpoint extends Endpoint {
  /** Of a mark's member that is UDP. @default TCP; a service of all ports has its own protocol */
  readonly transport?: "udp";
}

/** Addresses and ports that one service may list in `listenOn`. */
export const MAX_LISTEN_ON = 1024;

/** Addresses that one service may list in `source`. */
export const MAX_SOURCES = 64;

/** A service that takes connections to any address (TPROXY), such as that of a cluster of caches. */
export interface Intercept {
  /** Clients are connected to the address that they spoke to when no realserver is available. */
  readonly bypass: boolean;
}

/** The persistence engines that a service may name; another name is refused as NO_SCHEDULER, as the kernel does. */
export const PERSISTENCE_ENGINES: readonly string[] = ["sip"];

/** What a virtual service is set to, without its realservers. */
export interface ServiceSettings {
  /** ipvsadm name. @default "wlc" */
  readonly scheduler: string;
  /** Bits of SCHEDULER_FLAG_BITS. @default 0 */
  readonly schedulerFlags: number;
  readonly persistence?: Persistence;
  /**
   * What is listened on where the identity does not say it: the ports of a service of all ports (its own address), the
   * members of a firewall-mark service. At most MAX_LISTEN_ON. @default none: the kernel diverts what is meant
   */
  readonly listenOn?: readonly ListenEndpoint[];
  /** Realservers see the client's own address and port (IP_TRANSPARENT). @default no: they see the director's address */
  readonly transparent?: true;
  /**
   * Addresses of this host that connections to realservers come from, in turn; those of a realserver's family count for
   * it. 1 to MAX_SOURCES, not together with transparent. @default the host chooses
   */
  readonly source?: readonly string[];
  /** Takes connections to the port at whatever address; the service's own is 0.0.0.0 or ::. @default no */
  readonly intercept?: Intercept;
  /** One-packet scheduling, UDP only. @default false */
  readonly onePacket: boolean;
  /** Persistence engine (`--pe`), one of PERSISTENCE_ENGINES; kept and listed, templates are by address. @default none */
  readonly persistenceEngine?: string;
  /** Served when no realserver is available. */
  readonly sorry?: Endpoint;
  /**
   * Version of the PROXY protocol header that the sorry server is sent; only together with `sorry`.
   * @default none: what stands in for the realservers need not speak it
   */
  readonly sorryProxyProtocol?: ProxyProtocol["version"];
  /** TCP only. @default none: connections begin with the client's own bytes */
  readonly acceptProxy?: AcceptProxy;
  readonly timeouts: ServiceTimeouts;
  readonly limits: ServiceLimits;
  /** How many other realservers are tried when connecting fails. 0 to MAX_TRIED. @default 2 */
  readonly redispatch: number;
  /** @default none: realservers are not checked */
  readonly health?: HealthSettings;
}

/** How packets to a realserver are wrapped under the forwarding method "tunnel" (`--tun-type` and its options). */
export interface TunnelSettings {
  /** @default "ipip" */
  readonly type: "ipip" | "gue" | "gre";
  /** Destination port 1 to 65535; gue has one, the others none. */
  readonly port?: number;
  /** `--tun-nocsum`, `--tun-csum`, `--tun-remcsum`; without meaning for ipip. @default "none" */
  readonly checksum: "none" | "csum" | "remcsum";
}

export const DEFAULT_TUNNEL: TunnelSettings = { type: "ipip", checksum: "none" };

/** What one realserver of a service is set to. */
export interface RealserverSettings {
  /** 0 (quiesced) to 2147483647. @default 1 */
  readonly weight: number;
  /** @default "route", as ipvsadm; the YAML file's default is "masq" */
  readonly forwarding: ForwardingMethod;
  /** `-x`, 0 is none. @default 0 */
  readonly upperThreshold: number;
  /** `-y`, 0 is none; at most upperThreshold. @default 0 */
  readonly lowerThreshold: number;
  /** Only with forwarding "tunnel"; kept and listed. @default DEFAULT_TUNNEL */
  readonly tunnel?: TunnelSettings;
  /** @default none */
  readonly proxyProtocol?: ProxyProtocol;
}

/** One realserver of one service. Port 0 keeps the port that the client addressed. */
export interface Realserver extends Endpoint, RealserverSettings {}

/** A virtual service with its realservers, oldest first (the order of the `-a` commands). */
export interface VirtualService {
  readonly id: ServiceId;
  readonly settings: ServiceSettings;
  readonly realservers: readonly Realserver[];
}

/** Which connections are meant: those that agree with all that is given; nothing given: all. */
export interface ConnectionChoice {
  readonly service?: ServiceId;
  /** Only together with `service`. */
  readonly realserver?: Endpoint;
  /** The client's address in canonical text. */
  readonly client?: string;
}

/** Connection time-outs, as `ipvsadm --set tcp tcpfin udp`. */
export interface ConnectionTimeouts {
  /** Idle time of an established TCP connection. @default 900 */
  readonly tcpSec: number;
  /** Time to finish after the first FIN. @default 120 */
  readonly tcpFinSec: number;
  /** Idle time of a UDP flow. @default 300 */
  readonly udpSec: number;
}

export type SyncDaemonRole = "master" | "backup";

/** A connection sync daemon as `ipvsadm --start-daemon` sets it; at most one of each role runs. */
export interface SyncDaemon {
  readonly role: SyncDaemonRole;
  /** Network interface that the messages go over. @default "eth0" */
  readonly interface: string;
  /** 0 to 255. @default 0 */
  readonly syncId: number;
  /** Longest message in bytes, 1 to 65507. @default 1472 */
  readonly maxLength: number;
  /** Multicast group, IPv4 or IPv6. @default "224.0.0.81" */
  readonly group: string;
  /** UDP port. @default 8848 */
  readonly port: number;
  /** 1 to 255. @default 1 */
  readonly ttl: number;
}

export const DEFAULT_TIMEOUTS: ConnectionTimeouts = { tcpSec: 900, tcpFinSec: 120, udpSec: 300 };

export const DEFAULT_SETTINGS: ServiceSettings = {
  scheduler: "wlc",
  schedulerFlags: 0,
  onePacket: false,
  timeouts: { connectMs: 5000 },
  limits: { connections: 0, perSource: 0 },
  redispatch: 2,
};

export const DEFAULT_REALSERVER: RealserverSettings = {
  weight: 1,
  forwarding: "route",
  upperThreshold: 0,
  lowerThreshold: 0,
};

/** Greatest weight and threshold: the kernel keeps them in a signed 32-bit integer. */
export const MAX_INT32 = 2147483647;

/** The one text form of a service's identity: `tcp://192.0.2.1:80`, `udp://[2001:db8::1]:53`, `fwmark://8`, `fwmark6://8`. */
export function serviceKey(id: ServiceId): string {
  if ("fwmark" in id) return `${id.family === 6 ? "fwmark6" : "fwmark"}://${id.fwmark}`;
  return `${id.protocol}://${formatEndpoint(id)}`;
}

/** The one text form of a realserver's identity within its service: `10.0.0.1:80`, `[fd77::1]:80`. */
export function realserverKey(endpoint: Endpoint): string {
  return formatEndpoint(endpoint);
}

/** As the kernel logs it: `TCP 10.0.0.1:80`, `FWM 8`. */
export function serviceLabel(id: ServiceId): string {
  return "fwmark" in id ? `FWM ${id.fwmark}` : `${id.protocol.toUpperCase()} ${formatEndpoint(id)}`;
}

/**
 * Checks the numbers of a realserver as the kernel does.
 * @throws UvsError INVALID or RANGE, naming field, value and what is accepted
 */
export function checkRealserver(server: Realserver): void {
  checkInteger("port", server.port, 0, 65535);
  checkInteger("weight", server.weight, 0, MAX_INT32);
  checkInteger("upperThreshold", server.upperThreshold, 0, MAX_INT32);
  checkInteger("lowerThreshold", server.lowerThreshold, 0, MAX_INT32);
  if (server.lowerThreshold > server.upperThreshold) {
    throw new UvsError(
      "RANGE",
      `lowerThreshold ${server.lowerThreshold} is above upperThreshold ${server.upperThreshold}: it must be at most that`,
      { details: { field: "lowerThreshold", found: server.lowerThreshold } },
    );
  }
}

/** @throws UvsError INVALID where the value is not an integer from min to max */
export function checkInteger(field: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new UvsError(
    "INVALID",
    `${field}: found ${value}, accepted is a whole number from ${min} to ${max}`,
    {
      details: { field, found: String(value), min, max },
    },
  );
}
