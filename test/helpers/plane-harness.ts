/**
 * What the contract suite of the data plane needs from each implementation: a way to start one and to give it listening
 * sockets. Everything that lies in shared memory, and so is the same for a plane in this thread and one in another, is
 * made and read by `PlaneBench`.
 */
import { formatIp } from "../../src/core/address.js";
import { CONNECTION_WORDS, ConnectionField, ConnectionState } from "../../src/dataplane/connection-rows.js";
import type { PlaneCommand, PlaneEvent } from "../../src/dataplane/dataplane.js";
import { PLANE_EVENT_COUNT, PlaneEventIndex, type PlaneEventName } from "../../src/dataplane/events.js";
import { createPlaneMemory, Gauge, type PlaneMemory, Setting } from "../../src/dataplane/memory.js";
import {
  createRecordRing,
  drainRecords,
  END_REASON_NAMES,
  type EndReasonName,
  RecordField,
  type RecordRing,
} from "../../src/dataplane/records.js";
import {
  countServers,
  createScript,
  DispatcherLog,
  type DispatcherScript,
  type ScriptedService,
  type ScriptedTarget,
} from "./scripted-dispatcher.js";
import { waitFor } from "./wait-for.js";

/** How a test wants its plane. */
export interface PlaneStart {
  readonly services: readonly ScriptedService[];
  /** @default 60000 */
  readonly idleMs?: number;
  /** @default 60000 */
  readonly finMs?: number;
  /** @default 60000 */
  readonly udpIdleMs?: number;
  /** @default 10000 */
  readonly maxConnections?: number;
  /** @default 1000 */
  readonly maxFlows?: number;
  /** Records that the ring holds, a power of two. @default 1024 */
  readonly ringCapacity?: number;
}

/** A listening socket that was handed to the plane. */
export interface TestListener {
  readonly id: number;
  readonly port: number;
}

/** One running plane: thread 0 of a memory of one thread. */
export interface RunningPlane {
  readonly bench: PlaneBench;
  /**
   * Binds an address, listens, and hands the plane a copy of the socket with a `listen` command; the harness keeps the
   * socket itself, as the primary does. It answers `wantListener` with a new copy.
   * @param port @default 0: any
   * @param transport @default "tcp"; a UDP socket is bound only
   */
  listen(service: number, address: string, port?: number, transport?: "tcp" | "udp"): Promise<TestListener>;
  /** Closes the harness's own copy of a listening socket. */
  release(listener: number): void;
  command(command: PlaneCommand): void;
  /** Commands `stop` unless that was done, waits for `stopped`, and closes everything; may be called twice. */
  stop(): Promise<void>;
}

/** An implementation of the data plane, for the suite. */
export interface PlaneHarness {
  startPlane(bench: PlaneBench): Promise<RunningPlane>;
  /** After the last test. */
  close(): Promise<void>;
}

/** A connection record with names instead of numbers. */
export interface ConnectionRecord {
  readonly startMs: number;
  readonly connectMs: number;
  readonly sessionMs: number;
  readonly client: string;
  readonly clientPort: number;
  readonly service: number;
  readonly server: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly end: EndReasonName;
  readonly retries: number;
}

/** A row of a list with names instead of numbers. */
export interface ListedConnection {
  readonly service: number;
  readonly server: number;
  readonly client: string;
  readonly clientPort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly state: keyof typeof ConnectionState;
  readonly ageMs: number;
  readonly expiresMs: number;
  readonly inBytes: number;
  readonly outBytes: number;
}

/** The shared memory of a plane under test: `script`, `memory` and `ring` survive a structured clone to its thread. */
export class PlaneBench {
  readonly script: DispatcherScript;
  readonly memory: PlaneMemory;
  readonly ring: RecordRing;
  readonly dispatcher: DispatcherLog;
  /** Everything that the plane has said; the harness appends to it. */
  readonly said: PlaneEvent[] = [];
  readonly #records: ConnectionRecord[] = [];

  constructor(start: PlaneStart) {
    this.script = createScript(start.services.map(plainService));
    this.dispatcher = new DispatcherLog(this.script);
    this.memory = createPlaneMemory(1, Math.max(1, countServers(start.services)));
    this.ring = createRecordRing(start.ringCapacity ?? 1024);
    this.set("TCP_IDLE_MS", start.idleMs ?? 60_000);
    this.set("TCP_FIN_MS", start.finMs ?? 60_000);
    this.set("UDP_IDLE_MS", start.udpIdleMs ?? 60_000);
    this.set("MAX_FLOWS", start.maxFlows ?? 1000);
    this.set("MAX_CONNECTIONS", start.maxConnections ?? 10_000);
  }

  /** Changes a setting, as the forwarder's main thread does at run time. */
  set(setting: keyof typeof Setting, value: number): void {
    Atomics.store(this.memory.settings, Setting[setting], value);
  }

  /** How often an event has been counted. */
  count(event: PlaneEventName): number {
    return this.memory.events[PlaneEventIndex[event]];
  }

  /** All event counters that are not 0. */
  counts(): Partial<Record<PlaneEventName, number>> {
    const names = Object.keys(PlaneEventIndex) as PlaneEventName[];
    return Object.fromEntries(
      names
        .slice(0, PLANE_EVENT_COUNT)
        .flatMap((name) => (this.count(name) ? [[name, this.count(name)]] : [])),
    );
  }

  /** Client connections that exist now, by the gauge. */
  connections(): number {
    return Atomics.load(this.memory.gauges, Gauge.CONNECTIONS);
  }

  /** Every record so far; drains the ring. */
  records(): readonly ConnectionRecord[] {
    drainRecords(this.ring, (words, index) => this.#records.push(decodeRecord(words, index)));
    return this.#records;
  }

  /** Waits for the plane to say something. */
  heard(event: PlaneEvent["event"]): Promise<void> {
    return waitFor(`the plane says ${event}`, () => this.said.some((said) => said.event === event));
  }

  /** Waits for the answer to a `list` command. */
  async listed(ticket: number): Promise<readonly ListedConnection[]> {
    const answer = () =>
      this.said.flatMap((said) => (said.event === "listed" && said.ticket === ticket ? [said.rows] : []))[0];
    await waitFor(`the plane answers list ${ticket}`, () => answer() !== undefined);
    const rows = answer();
    return Array.from({ length: rows.length / CONNECTION_WORDS }, (_, i) =>
      decodeRow(rows, i * CONNECTION_WORDS),
    );
  }

  /** Waits until so many records are there. */
  async recorded(count: number): Promise<readonly ConnectionRecord[]> {
    await waitFor(`${count} records`, () => this.records().length >= count);
    return this.#records;
  }
}

/** A service whose targets are nothing but targets: realservers of a test do not survive the way to a thread. */
function plainService(service: ScriptedService): ScriptedService {
  const plain = ({ address, port }: ScriptedTarget): ScriptedTarget => ({ address, port });
  return { ...service, servers: service.servers.map(plain), sorry: service.sorry && plain(service.sorry) };
}

function decodeRecord(words: Float64Array, index: number): ConnectionRecord {
  const field = (name: keyof typeof RecordField) => words[index + RecordField[name]];
  const family = field("family");
  const address = (name: "client" | "destination") => {
    const at = index + RecordField[name];
    return formatIp(family, words[at], words[at + 1], words[at + 2], words[at + 3]);
  };
  return {
    startMs: field("startMs"),
    connectMs: field("connectMs"),
    sessionMs: field("sessionMs"),
    client: address("client"),
    clientPort: field("clientPort"),
    service: field("service"),
    server: field("server"),
    destination: address("destination"),
    destinationPort: field("destinationPort"),
    inBytes: field("inBytes"),
    outBytes: field("outBytes"),
    end: END_REASON_NAMES[field("end")],
    retries: field("retries"),
  };
}

function decodeRow(rows: Float64Array, index: number): ListedConnection {
  const field = (name: keyof typeof ConnectionField) => rows[index + ConnectionField[name]];
  const address = (name: "client" | "destination") => {
    const at = index + ConnectionField[name];
    return formatIp(field("family"), rows[at], rows[at + 1], rows[at + 2], rows[at + 3]);
  };
  const states = Object.keys(ConnectionState) as (keyof typeof ConnectionState)[];
  return {
    service: field("service"),
    server: field("server"),
    client: address("client"),
    clientPort: field("clientPort"),
    destination: address("destination"),
    destinationPort: field("destinationPort"),
    state: states[field("state")],
    ageMs: field("ageMs"),
    expiresMs: field("expiresMs"),
    inBytes: field("inBytes"),
    outBytes: field("outBytes"),
  };
}
