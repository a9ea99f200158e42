/**
 * Allocates the columns that all threads of a forwarder share: what schedulers see (schedulers/columns.ts) and what only
 * the balancer needs. One typed array per property, indexed by slot, all over SharedArrayBuffers, so that a structured
 * clone of the object shares the memory. Untouched pages cost nothing: capacity is address space, not memory.
 */
import { MAX_SOURCES } from "../core/model.js";
import {
  DEFAULT_CACHE_SETTINGS,
  type LocalityCacheColumns,
  NONE,
  type SchedulerColumns,
  type ServerColumns,
  type ServiceColumns,
  STATE_WORDS,
  TABLE_WORDS,
} from "../schedulers/columns.js";
import { createHandedFlows, type HandedFlowColumns } from "./handed-flows.js";
import { OUTGOING_LISTS, type OutgoingColumns } from "./outgoing.js";
import { createTemplates, type TemplateColumns } from "./template-columns.js";
import { createTrustedProxies, type TrustedProxyColumns } from "./trusted-proxies.js";

/** Capacities; what is beyond them is refused with TOO_MANY. */
export interface ColumnSizes {
  readonly services: number;
  readonly servers: number;
  /** Destination addresses that lblc and lblcr remember, of all services together. */
  readonly cacheEntries: number;
  /** Client addresses counted at once for per-source limits; a power of two above the number of connections. */
  readonly sources: number;
  /** Persistence templates. */
  readonly templates: number;
}

/** Ticks of the shared clock per second: the grain in which closed connections stop counting. */
export const TICKS_PER_SEC = 4;

/** Slots of a realserver's wheel of expiring connections; longer than the longest time-out (120 s) in ticks. */
export const WHEEL_TICKS = 512;

/** States of a service slot. */
export const ServiceState = { FREE: 0, SERVING: 1, /** deleted, connections left */ LEAVING: 2 } as const;

/** Words of `settings`: sysctls that decisions depend on. */
export const BalancerSetting = { EXPIRE_NODEST_CONN: 0, EXPIRE_QUIESCENT_TEMPLATE: 1 } as const;
const SETTING_WORDS = 4;

/** The balancer's own columns of services. */
export interface BalancerServiceColumns extends ServiceColumns, OutgoingColumns {
  /** core/lock.ts; guards the service, its realservers and their counts. */
  readonly lock: Int32Array;
  readonly serviceState: Int32Array;
  /** Number in the registry of schedulers. */
  readonly scheduler: Int32Array;
  /** Connections that exist now; changed with Atomics, as a connection may outlive its realserver's membership. */
  readonly connections: Int32Array;
  /** Connections scheduled since the slot was taken (the kernel's `conns`). */
  readonly scheduled: Float64Array;
  readonly maxConnections: Int32Array;
  readonly maxPerSource: Int32Array;
  readonly redispatch: Int32Array;
  readonly connectTimeoutMs: Int32Array;
  /** 0 where there is no sorry server. */
  readonly sorryFamily: Int32Array;
  readonly sorryAddress: Uint32Array;
  readonly sorryPort: Int32Array;
  /** PROXY protocol header for the sorry server, bits of HeaderFormat. */
  readonly sorryHeader: Int32Array;
  /** 4 or 6. */
  readonly family: Int32Array;
  /** Time-out of new persistence templates in ticks; 0: the service is not persistent. */
  readonly persistTicks: Int32Array;
  /** Four words: what of a client's address makes its template. */
  readonly persistMask: Int32Array;
  /** Number of what clients address: templates are kept under it, and find a service that was made anew. */
  readonly virtual: Int32Array;
  /** 1: connections to realservers come from the client's own address. */
  readonly transparent: Int32Array;
  /** 1: without a realserver, connections go to where the client meant them to. */
  readonly bypass: Int32Array;
  /** 1: every UDP datagram is scheduled for itself (`-o`). */
  readonly onePacket: Int32Array;
  /** 1: connections keep the port that the client addressed, whatever port the realserver has. */
  readonly keepsPort: Int32Array;
}

/** The balancer's own columns of realservers. */
export interface BalancerServerColumns extends ServerColumns {
  /** The service whose lock guards this realserver, also after its deletion; NONE in a free slot. */
  readonly service: Int32Array;
  readonly upperThreshold: Int32Array;
  readonly lowerThreshold: Int32Array;
  /** PROXY protocol header that it is sent, bits of HeaderFormat. */
  readonly header: Int32Array;
  readonly scheduled: Float64Array;
  /** Closed connections that still count as inactive: how many stop counting at each tick (modulo WHEEL_TICKS). */
  readonly wheel: Int32Array;
  /** Sum of the wheel, so that idle realservers are skipped. */
  readonly expiring: Int32Array;
  /** Failed attempts to connect: passive-failure marks for the health checks. */
  readonly failures: Int32Array;
  /** Persistence templates that lead here; guarded by the templates' lock. */
  readonly persistent: Int32Array;
}

/** Table of client addresses and their connections, for per-source limits: open addressing, linear probing. */
export interface SourceColumns {
  readonly lock: Int32Array;
  /** 0 marks a free place. */
  readonly count: Int32Array;
  readonly service: Int32Array;
  readonly address: Uint32Array;
}

/** Everything that the threads of one forwarder decide with. */
export interface BalancerColumns extends SchedulerColumns {
  readonly sizes: ColumnSizes;
  readonly services: BalancerServiceColumns;
  readonly servers: BalancerServerColumns;
  readonly sources: SourceColumns;
  readonly templates: TemplateColumns;
  readonly trustedProxies: TrustedProxyColumns;
  readonly handedFlows: HandedFlowColumns;
  /** Indexed by BalancerSetting. */
  readonly settings: Int32Array;
  /** Word 0: ticks since the forwarder started, moved on by its main thread. */
  readonly clock: Int32Array;
}

/** Makes empty columns. */
export function createColumns(sizes: ColumnSizes): BalancerColumns {
  return {
    sizes,
    services: createServices(sizes.services),
    servers: createServers(sizes.servers),
    cache: createCache(sizes.cacheEntries),
    sources: {
      lock: ints(1),
      count: ints(sizes.sources),
      service: ints(sizes.sources),
      address: words(sizes.sources * 4),
    },
    // Twice the services: a deleted one's number stays for as long as it has templates.
    templates: createTemplates(sizes.templates, sizes.services * 2),
    trustedProxies: createTrustedProxies(sizes.services),
    handedFlows: createHandedFlows(),
    settings: ints(SETTING_WORDS),
    clock: ints(1),
  };
}

function createServices(count: number): BalancerServiceColumns {
  return {
    head: ints(count).fill(NONE),
    serverCount: ints(count),
    schedulerFlags: ints(count),
    state: ints(count * STATE_WORDS),
    table: ints(count * TABLE_WORDS),
    lock: ints(count),
    serviceState: ints(count),
    scheduler: ints(count),
    connections: ints(count),
    scheduled: doubles(count),
    maxConnections: ints(count),
    maxPerSource: ints(count),
    redispatch: ints(count),
    connectTimeoutMs: ints(count),
    sorryFamily: ints(count),
    sorryAddress: words(count * 4),
    sorryPort: ints(count),
    sorryHeader: ints(count),
    family: ints(count),
    persistTicks: ints(count),
    persistMask: ints(count * 4),
    virtual: ints(count),
    transparent: ints(count),
    bypass: ints(count),
    outgoingCount: ints(count * OUTGOING_LISTS),
    outgoingTurn: ints(count * OUTGOING_LISTS),
    outgoingAddress: words(count * OUTGOING_LISTS * MAX_SOURCES * 4),
    onePacket: ints(count),
    keepsPort: ints(count),
  };
}

function createServers(count: number): BalancerServerColumns {
  return {
    next: ints(count).fill(NONE),
    previous: ints(count).fill(NONE),
    flags: ints(count),
    weight: ints(count),
    lastWeight: ints(count),
    active: ints(count),
    inactive: ints(count),
    family: ints(count),
    address: words(count * 4),
    port: ints(count),
    generation: ints(count),
    service: ints(count).fill(NONE),
    upperThreshold: ints(count),
    lowerThreshold: ints(count),
    header: ints(count),
    scheduled: doubles(count),
    wheel: ints(count * WHEEL_TICKS),
    expiring: ints(count),
    failures: ints(count),
    persistent: ints(count),
  };
}

/** The members' pool is twice the entries': most sets of lblcr have one or two members. */
function createCache(entries: number): LocalityCacheColumns {
  const members = entries * 2;
  const settings = ints(DEFAULT_CACHE_SETTINGS.length);
  settings.set(DEFAULT_CACHE_SETTINGS);
  return {
    lock: ints(1),
    settings,
    free: ints(2),
    entryNext: freeList(entries),
    entryAddress: words(entries * 4),
    entryFamily: ints(entries),
    entryTarget: ints(entries),
    entryGeneration: ints(entries),
    entryLastUseSec: ints(entries),
    entryLastModSec: ints(entries),
    memberNext: freeList(members),
    memberServer: ints(members),
    memberGeneration: ints(members),
  };
}

function freeList(length: number): Int32Array {
  const list = ints(length);
  for (let i = 0; i < length; i++) list[i] = i + 1 < length ? i + 1 : NONE;
  return list;
}

const ints = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(length * 4));
const words = (length: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(length * 4));
const doubles = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(length * 8));
