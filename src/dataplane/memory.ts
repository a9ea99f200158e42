/**
 * The memory that the threads of one forwarder share with its main thread, besides the balancer's columns: settings and
 * gauges (shared by all), event and traffic counters (a row a thread, summed when read: no atomics on the hot path).
 * Everything is a typed array over a SharedArrayBuffer, so a structured clone of the object shares it.
 */
import { PLANE_EVENT_COUNT } from "./events.js";

/** Words of `settings`; changed at run time by the main thread, read by the threads at each use. */
export const Setting = {
  /** Idle time of an established connection, ms. */
  TCP_IDLE_MS: 0,
  /** Idle time after the first FIN, ms; as in the kernel, each byte that moves starts it anew. */
  TCP_FIN_MS: 1,
  UDP_IDLE_MS: 2,
  /** Client connections of the whole forwarder; accepting pauses there. */
  MAX_CONNECTIONS: 3,
  /** SO_MARK of transparent sockets, by which the host brings answers to them. */
  TRANSPARENT_MARK: 4,
  /** UDP flows of the whole forwarder, in equal shares of its threads; read when a plane begins. */
  MAX_FLOWS: 5,
} as const;
const SETTING_WORDS = 8;

/** Words of `gauges`. */
export const Gauge = {
  /** Client connections that exist now, of all threads; changed with Atomics. */
  CONNECTIONS: 0,
} as const;
const GAUGE_WORDS = 8;

/** The shared memory of one forwarder's data plane. */
export interface PlaneMemory {
  readonly threads: number;
  readonly settings: Int32Array;
  readonly gauges: Int32Array;
  /** Client connections that exist now, one word a thread, written by that thread only. */
  readonly threadConnections: Int32Array;
  /** UDP flows that exist now, likewise. */
  readonly threadFlows: Int32Array;
  /** `events[thread * PLANE_EVENT_COUNT + index]` */
  readonly events: Float64Array;
  /** Payload bytes of all connections of a realserver slot: `inBytes[thread * servers + server]`; client to realserver. */
  readonly servers: number;
  readonly inBytes: Float64Array;
  readonly outBytes: Float64Array;
  /** IP packets on the client side, from TCP_INFO, added once a second while a connection lives, and at its end. */
  readonly inPackets: Float64Array;
  readonly outPackets: Float64Array;
}

/** Makes the memory for so many threads and realserver slots; all zero. */
export function createPlaneMemory(threads: number, servers: number): PlaneMemory {
  const ints = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  const doubles = (length: number) => new Float64Array(new SharedArrayBuffer(length * 8));
  return {
    threads,
    settings: ints(SETTING_WORDS),
    gauges: ints(GAUGE_WORDS),
    threadConnections: ints(threads),
    threadFlows: ints(threads),
    events: doubles(threads * PLANE_EVENT_COUNT),
    servers,
    inBytes: doubles(threads * servers),
    outBytes: doubles(threads * servers),
    inPackets: doubles(threads * servers),
    outPackets: doubles(threads * servers),
  };
}
