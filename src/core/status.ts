/**
 * What a running director reports about itself: plain objects, made by the balancer and the forwarder, passed through
 * the primary, shown by `uvs status`, the control API and uvsadm.
 */
import type { Endpoint } from "./address.js";
import type { RealserverState } from "./health-status.js";
import type { ConnectionTimeouts, Protocol, Realserver, ServiceId, ServiceSettings } from "./model.js";

/** Totals since the start or the last zeroing. Bytes are payload bytes; `in` is client to realserver. */
export interface TrafficTotals {
  connections: number;
  inPackets: number;
  outPackets: number;
  inBytes: number;
  outBytes: number;
}

/** Per second, as the kernel's estimator rounds them. */
export type TrafficRates = TrafficTotals;

/** Percentiles of one kind of duration, in milliseconds; count 0 means that there were none. */
export interface DurationSummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What is counted of services and realservers: connections of now, traffic so far, traffic per second. */
export type FigureKind = "connections" | "totals" | "rates";

/** One realserver with the connections that are counted on it. */
export interface RealserverCounts extends Realserver {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
  readonly overloaded: boolean;
}

/** One virtual service with the connections of its realservers, newest first: as the table lists it. */
export interface ServiceCounts {
  readonly id: ServiceId;
  readonly key: string;
  readonly settings: ServiceSettings;
  readonly realservers: readonly RealserverCounts[];
}

/** One realserver as it is now. */
export interface RealserverStatus extends RealserverCounts {
  readonly drain?: DrainStatus;
  /** What health checking says of it, where it is checked. */
  readonly health?: RealserverHealthSummary;
  readonly totals: TrafficTotals;
  readonly rates: TrafficRates;
  /** How long connecting took, and how long connections lived. */
  readonly connectTime: DurationSummary;
  readonly sessionTime: DurationSummary;
}

/** One virtual service as it is now; realservers in the kernel's order: newest first. */
export interface ServiceStatus {
  readonly id: ServiceId;
  readonly key: string;
  readonly settings: ServiceSettings;
  /** Connections that exist now: being connected, established, or closing. */
  readonly connections: number;
  readonly totals: TrafficTotals;
  readonly rates: TrafficRates;
  readonly realservers: readonly RealserverStatus[];
  /** Deleted realservers that still have connections. */
  readonly leaving: readonly RealserverStatus[];
}

/** One entry of the connection table as `ipvsadm -L -c` shows it: a connection, or a persistence template. */
export interface ConnectionStatus {
  /** "ip" for the template of a firewall-mark service. */
  readonly protocol: Protocol | "ip";
  /** Time left in seconds until it ends unless something happens. */
  readonly expiresSec: number;
  /** Kernel name of the state: ESTABLISHED, TIME_WAIT, UDP, ...; of a template ASSURED or NONE. */
  readonly state: string;
  /** Of a template the client's address under the netmask, with port 0. */
  readonly client: Endpoint;
  /** Of a firewall-mark template the mark in the first 32 bits of the address (0.0.0.7, 0:7::), with port 0. */
  readonly virtual: Endpoint;
  readonly realserver: Endpoint;
  /** Of a template that a persistence engine has made: the engine's name and what it found. */
  readonly engine?: { readonly name: string; readonly data: string };
}

/** One persistence template, as `uvs templates` shows it. */
export interface TemplateStatus {
  readonly service: ServiceId;
  /** The client's address under the netmask. */
  readonly client: string;
  readonly realserver: Endpoint;
  /** ASSURED once a connection under it was established. */
  readonly state: "ASSURED" | "NONE";
  /** False: its realserver was gone when it was wanted; it matches nobody any longer, and ends by its timer. */
  readonly valid: boolean;
  readonly timeoutSec: number;
  /** Until its timer fires; while it controls connections that puts it off by 60 s. */
  readonly expiresSec: number;
  /** Open connections that it controls. */
  readonly connections: number;
}

/** One connection that is being carried, as `uvs conns` shows it. */
export interface LiveConnection {
  readonly service: ServiceId;
  readonly client: Endpoint;
  /** What the client spoke to. */
  readonly virtual: Endpoint;
  /** Undefined: the sorry server, or with PROXY_HEADER none yet. */
  readonly realserver?: Endpoint;
  /**
   * Kernel name: SYN_RECV (being connected), ESTABLISHED, CLOSE_WAIT (client finished first), FIN_WAIT (realserver), UDP. Ours:
   * PROXY_HEADER (a trusted proxy's, whose header has not come yet).
   */
  readonly state: "SYN_RECV" | "ESTABLISHED" | "CLOSE_WAIT" | "FIN_WAIT" | "PROXY_HEADER" | "UDP";
  readonly ageSec: number;
  /** Until it is ended if nothing happens. */
  readonly expiresSec: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly generation: number;
}

/** How a checked realserver stands. */
export interface RealserverHealthSummary {
  readonly state: RealserverState;
  /** ISO 8601. */
  readonly since: string;
  /** In words, safe to show. */
  readonly reason: string;
  /** The weight in effect: 0 where it is down, less than what is set during slow start. */
  readonly weight: number;
}

/** A realserver that is being drained. */
export interface DrainStatus {
  /** ISO 8601. */
  readonly since: string;
  /** When the connections that are left are reset; absent: never. */
  readonly deadline?: string;
  /** The weight that `undrain` gives back. */
  readonly weight: number;
}

/** One forwarder generation as it is now. */
export interface ForwarderStatus {
  readonly generation: number;
  readonly pid: number;
  readonly dataplane: "native" | "net";
  readonly threads: number;
  readonly state: "starting" | "serving" | "draining";
  readonly startedAt: string;
  /** Client connections that exist now, in each thread. */
  readonly connectionsPerThread: readonly number[];
  readonly connectionLimit: number;
  /** UDP flows that exist now, in each thread. */
  readonly flowsPerThread: readonly number[];
  /** Beyond it the flow that has rested longest gives way to a new one. */
  readonly flowLimit: number;
  /** Events of the data plane by name (see `dataplane/events.ts`), summed over the threads. */
  readonly events: Readonly<Record<string, number>>;
}

/** The director as a whole. */
export interface DirectorStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly configFile?: string;
  readonly timeouts: ConnectionTimeouts;
  /** Newest first; older ones are draining. */
  readonly forwarders: readonly ForwarderStatus[];
  readonly forwarderRestarts: number;
  readonly services: readonly ServiceStatus[];
}
