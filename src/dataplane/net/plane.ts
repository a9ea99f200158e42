/**
 * The portable data plane: node:net in the forwarder's main thread. Same behaviour as the native plane, with these limits:
 * packets of connections are not known (their counters stay 0), and pausing at the connection limit gives the listening socket back and
 * asks for another copy (`wantListener`), because libuv cannot pause one.
 */
import type { Socket } from "node:net";
import { HeaderParser } from "../../core/proxy-protocol/header-parser.js";
import { HeaderWriter, WRITTEN_BYTES } from "../../core/proxy-protocol/header-writer.js";
import type { ConnectionFilter, ListenerSpec, PlaneCommand, PlaneOptions } from "../dataplane.js";
import type { Dispatcher } from "../dispatcher.js";
import { PLANE_EVENT_COUNT, PlaneEventIndex, type PlaneEventName } from "../events.js";
import { Gauge, Setting } from "../memory.js";
import type { EndReasonName } from "../records.js";
import { type ConnectionHost, NetConnection } from "./connection.js";
import { type ListenerHost, NetListener } from "./listener.js";
import { listRows, writeRecord } from "./report.js";
import { type DatagramHost, NetDatagrams } from "./udp.js";

/** Bounds of the time between two looks at all connections, ms: a quarter of the shortest time-out, within these. */
const SWEEP_MS = { shortest: 10, longest: 1000 };

/** The same kind of trouble is said again after this, ms. */
const TROUBLE_INTERVAL_MS = 1000;

/** See the file's head. Says `ready` on its own; serves until a `stop` command. */
export class NetPlane implements ConnectionHost, ListenerHost, DatagramHost {
  readonly dispatcher: Dispatcher;
  readonly headerParser = new HeaderParser();
  readonly #header = new Uint8Array(WRITTEN_BYTES);
  readonly #headerWriter = new HeaderWriter(this.#header);
  readonly #options: PlaneOptions;
  readonly #connections = new Set<NetConnection>();
  readonly #listeners = new Map<number, NetListener>();
  /** Listeners that were closed at the connection limit and are to come back. */
  readonly #paused = new Set<number>();
  /** Accepting failed for want of descriptors or memory; until a connection ends, or the next sweep. */
  #isStarved = false;
  #isDraining = false;
  #isStopped = false;
  #sweepTimer: NodeJS.Timeout | undefined;
  readonly #datagrams: NetDatagrams;
  readonly #troubleSaid = new Map<string, number>();

  constructor(options: PlaneOptions) {
    this.#options = options;
    this.dispatcher = options.dispatcher;
    this.#datagrams = new NetDatagrams(options, this);
    this.#scheduleSweep();
    queueMicrotask(() => options.notify({ event: "ready", thread: options.thread }));
  }

  /** Does as told; never throws. What could not be done is said as trouble. */
  execute(command: PlaneCommand): void {
    switch (command.op) {
      case "listen":
        this.#listen(command.listener);
        break;
      case "unlisten":
        this.#unlisten(command.listener);
        break;
      case "drain":
        this.#drain();
        break;
      case "kill":
        this.#kill(command, command.ticket);
        break;
      case "list":
        this.#list(command, command.isOfFlows ? [] : this.#connections, command.ticket);
        break;
      case "stop":
        this.#stop();
        break;
    }
  }

  accepted(listener: NetListener, client: Socket): void {
    this.count("accepted");
    this.#changeGauges(1);
    const connection = new NetConnection(this, listener.spec, client);
    this.#connections.add(connection);
    connection.start();
    this.#regulate();
  }

  failed(listener: NetListener, error: NodeJS.ErrnoException): void {
    if (error.syscall === "accept") {
      this.count("acceptStarved");
      this.trouble(
        `accept ${error.code}`,
        `${error.message}: accepting pauses until a connection ends; raise the limit of open files (ulimit -n)`,
      );
      this.#isStarved = true;
      this.#pause();
      return;
    }
    this.#listeners.delete(listener.spec.id);
    this.#cannotListen(listener.spec, error);
  }

  header(format: number): Uint8Array {
    return this.#header.slice(0, this.#headerWriter.write(format, this.dispatcher.request));
  }

  count(event: PlaneEventName): void {
    const { memory, thread } = this.#options;
    memory.events[thread * PLANE_EVENT_COUNT + PlaneEventIndex[event]]++;
  }

  addBytes(server: number, inBytes: number, outBytes: number): void {
    const { memory, thread } = this.#options;
    memory.inBytes[thread * memory.servers + server] += inBytes;
    memory.outBytes[thread * memory.servers + server] += outBytes;
  }

  addDatagrams(server: number, direction: "in" | "out", bytes: number): void {
    const { memory, thread } = this.#options;
    const at = thread * memory.servers + server;
    if (direction === "in") {
      memory.inBytes[at] += bytes;
      memory.inPackets[at]++;
    } else {
      memory.outBytes[at] += bytes;
      memory.outPackets[at]++;
    }
  }

  trouble(code: string, message: string): void {
    const now = performance.now();
    if (now - (this.#troubleSaid.get(code) ?? Number.NEGATIVE_INFINITY) < TROUBLE_INTERVAL_MS) return;
    this.#troubleSaid.set(code, now);
    this.#options.notify({ event: "trouble", thread: this.#options.thread, code, message });
  }

  ended(connection: NetConnection, end: EndReasonName): void {
    this.#connections.delete(connection);
    if (!writeRecord(this.#options.records, connection, end)) this.count("recordsDropped");
    this.#changeGauges(-1);
    this.#isStarved = false;
    this.#regulate();
    this.#checkDrained();
  }

  #listen(spec: ListenerSpec): void {
    try {
      if (spec.transport === "udp") {
        this.#datagrams.listen(spec);
        if (this.#isStopped || this.#isDraining) this.#datagrams.unlisten(spec.id);
        return;
      }
      const listener = new NetListener(spec, this);
      if (this.#isStopped || this.#isDraining) {
        listener.close();
        return;
      }
      this.#listeners.set(spec.id, listener);
      this.#regulate();
    } catch (error) {
      this.#cannotListen(spec, error);
    }
  }

  #cannotListen(spec: ListenerSpec, error: unknown): void {
    const cause = error instanceof Error ? error.message : String(error);
    this.trouble("listen", `listener ${spec.id} (port ${spec.port}, descriptor ${spec.fd}): ${cause}`);
  }

  #unlisten(id: number): void {
    const { notify, thread } = this.#options;
    const said = (): void => notify({ event: "unlistened", thread, listener: id });
    if (this.#paused.delete(id) || this.#datagrams.unlisten(id)) said();
    this.#listeners.get(id)?.finish(() => {
      this.#listeners.delete(id);
      said();
      this.#checkDrained();
    });
  }

  #drain(): void {
    this.#isDraining = true;
    this.#paused.clear();
    this.#datagrams.drain();
    for (const id of this.#listeners.keys()) this.#unlisten(id);
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (!this.#isDraining || this.#isStopped) return;
    if (this.#listeners.size > 0 || this.#connections.size > 0 || !this.#datagrams.isEmpty) return;
    this.#isDraining = false;
    this.#options.notify({ event: "drained", thread: this.#options.thread });
  }

  #kill(filter: ConnectionFilter, ticket: number | undefined): void {
    let count = this.#datagrams.kill(filter);
    for (const connection of this.#connections) {
      if (!connection.matches(filter)) continue;
      connection.kill();
      count++;
    }
    if (ticket === undefined) return;
    this.#options.notify({ event: "killed", thread: this.#options.thread, ticket, count });
  }

  #list(filter: ConnectionFilter, connections: Iterable<NetConnection>, ticket: number): void {
    const { memory, notify, thread } = this.#options;
    const listed = [
      ...[...connections].filter((connection) => connection.matches(filter)),
      ...this.#datagrams.list(filter),
    ];
    notify({ event: "listed", thread, ticket, rows: listRows(listed, memory.settings) });
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#sweepTimer);
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    this.#paused.clear();
    this.#kill({}, undefined);
    this.#datagrams.stop();
    this.#options.notify({ event: "stopped", thread: this.#options.thread });
  }

  /** Pauses accepting at the connection limit, and takes it up again a little below, so that it does not flutter. */
  #regulate(): void {
    const { settings, gauges } = this.#options.memory;
    const limit = Atomics.load(settings, Setting.MAX_CONNECTIONS);
    const connections = Atomics.load(gauges, Gauge.CONNECTIONS);
    if (connections >= limit && this.#listeners.size > 0) {
      this.count("acceptPaused");
      this.#pause();
    } else if (connections < limit - (limit >> 6) && !this.#isStarved) {
      this.#resume();
    }
  }

  #pause(): void {
    for (const [id, listener] of this.#listeners) {
      listener.close();
      if (listener.isFinishing) continue;
      this.#listeners.delete(id);
      this.#paused.add(id);
    }
  }

  #resume(): void {
    for (const listener of this.#paused) {
      this.#options.notify({ event: "wantListener", thread: this.#options.thread, listener });
    }
    this.#paused.clear();
  }

  #scheduleSweep(): void {
    const { settings } = this.#options.memory;
    const shortest = Math.min(
      settings[Setting.TCP_IDLE_MS],
      settings[Setting.TCP_FIN_MS],
      this.#datagrams.idleMs,
    );
    const delayMs = Math.min(SWEEP_MS.longest, Math.max(SWEEP_MS.shortest, shortest / 4));
    this.#sweepTimer = setTimeout(() => {
      this.#sweep();
      this.#scheduleSweep();
    }, delayMs).unref();
  }

  #sweep(): void {
    const { settings } = this.#options.memory;
    const idleMs = Atomics.load(settings, Setting.TCP_IDLE_MS);
    const finMs = Atomics.load(settings, Setting.TCP_FIN_MS);
    const now = performance.now();
    for (const connection of this.#connections) connection.sweep(now, idleMs, finMs);
    this.#datagrams.sweep(now);
    this.#checkDrained();
    this.#isStarved = false;
    this.#regulate();
  }

  #changeGauges(by: 1 | -1): void {
    const { memory, thread } = this.#options;
    Atomics.add(memory.gauges, Gauge.CONNECTIONS, by);
    memory.threadConnections[thread] += by;
  }
}
