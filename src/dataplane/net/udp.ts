/**
 * The UDP services of the `net` plane. Same behaviour as the native plane's, with these limits: a socket of all addresses
 * does not tell which of them a client spoke to, and its answers leave from the one that the host chooses; diverted
 * datagrams are not served, for the same reason.
 */
import type { RemoteInfo } from "node:dgram";
import { datagramFormat, HeaderFormat, Transport } from "../../core/proxy-protocol/format.js";
import { HeaderWriter, WRITTEN_BYTES } from "../../core/proxy-protocol/header-writer.js";
import type { ConnectionFilter, ListenerSpec, PlaneOptions } from "../dataplane.js";
import { Ending, type EndingValue, Verdict } from "../dispatcher.js";
import type { PlaneEventName } from "../events.js";
import { Setting } from "../memory.js";
import type { EndReasonName } from "../records.js";
import { writeRecord } from "./report.js";
import { type FlowHost, NetFlow } from "./udp-flow.js";
import { FlowListener } from "./udp-listener.js";

/** As in native/udp-times.ts. */
const RECENT_MS = 10_000;
const SHORT_REST_MS = 10_000;
const LAST_REST_MS = 1000;
/** As in native/udp-ending.ts. */
const REFUSALS_TOLD_PER_SEC = 100;

/** What they ask of their plane. */
export interface DatagramHost {
  count(event: PlaneEventName): void;
  addDatagrams(server: number, direction: "in" | "out", bytes: number): void;
  trouble(code: string, message: string): void;
}

const TURNED_AWAY: Readonly<Record<number, "serviceLimit" | "sourceLimit">> = {
  [Verdict.SERVICE_LIMIT]: "serviceLimit",
  [Verdict.SOURCE_LIMIT]: "sourceLimit",
};

/** See the file's head. */
export class NetDatagrams implements FlowHost {
  readonly #options: PlaneOptions;
  readonly #host: DatagramHost;
  readonly #header = new Uint8Array(WRITTEN_BYTES);
  readonly #headerWriter = new HeaderWriter(this.#header);
  readonly #listeners = new Map<number, FlowListener>();
  /** By listener, client's address and port. */
  readonly #flows = new Map<string, NetFlow>();
  /** In the order in which they give way, longest at rest first. */
  readonly #short = new Set<NetFlow>();
  readonly #unanswered = new Set<NetFlow>();
  readonly #answered = new Set<NetFlow>();
  #isDraining = false;
  #told = { second: 0, count: 0 };

  constructor(options: PlaneOptions, host: DatagramHost) {
    this.#options = options;
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  listen(spec: ListenerSpec): void {
    if (spec.port === 0) {
      this.#host.trouble("diverted", "diverted datagrams need the native data plane: they are not served");
    }
    const failed = (error: Error): void =>
      this.#host.trouble("listen", `UDP listener ${spec.id} (port ${spec.port}): ${error.message}`);
    this.#listeners.set(spec.id, new FlowListener(spec, this.#received, failed));
  }

  /** @returns whether there was one */
  unlisten(id: number): boolean {
    const listener = this.#listeners.get(id);
    if (listener === undefined) return false;
    for (const flow of this.#all()) if (flow.ends.listener === listener) this.#end(flow, "killed");
    listener.close();
    return this.#listeners.delete(id);
  }

  drain(): void {
    this.#isDraining = true;
    for (const listener of this.#listeners.values()) listener.retire();
  }

  stop(): void {
    this.kill({});
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }

  /** @returns how many there were */
  kill(filter: ConnectionFilter): number {
    const killed = [...this.#all()].filter((flow) => !flow.isRefused && flow.matches(filter));
    for (const flow of killed) {
      this.#host.count("killed");
      this.#end(flow, "killed");
    }
    return killed.length;
  }

  /** Flows that the filter names, but for one-packet ones. */
  list(filter: ConnectionFilter): NetFlow[] {
    return [...this.#flows.values()].filter((flow) => !flow.isRefused && flow.matches(filter));
  }

  /** Ends what has rested too long. @param now `performance.now()` */
  sweep(now: number): void {
    const idleMs = this.idleMs;
    for (const ring of [this.#short, this.#unanswered, this.#answered]) {
      const restMs = ring === this.#short ? Math.min(idleMs, SHORT_REST_MS) : idleMs;
      for (const flow of ring) {
        if (now < flow.lastAt + restMs) break;
        this.#host.count("flowExpired");
        this.#end(flow, "idleTimeout");
      }
    }
  }

  /** Time-out of flows now, ms. */
  get idleMs(): number {
    const idleMs = Atomics.load(this.#options.memory.settings, Setting.UDP_IDLE_MS);
    return this.#isDraining ? Math.min(idleMs, LAST_REST_MS) : idleMs;
  }

  sent(flow: NetFlow, bytes: number): void {
    flow.inBytes += bytes;
    if (flow.server >= 0) this.#host.addDatagrams(flow.server, "in", bytes);
  }

  dropped(): void {
    this.#host.count("datagramDropped");
  }

  header(flow: NetFlow): Uint8Array | undefined {
    if (flow.headerFormat === HeaderFormat.NONE) return undefined;
    this.#describe(flow);
    const { request } = this.#options.dispatcher;
    return this.#header.slice(0, this.#headerWriter.write(flow.headerFormat, request, Transport.DGRAM));
  }

  answered(flow: NetFlow, answer: Buffer): void {
    const isFirst = flow.connectMs < 0;
    const now = performance.now();
    if (isFirst) flow.connectMs = now - flow.acceptedAt;
    flow.answeredAt = now;
    flow.lastAt = now;
    const { listener, client } = flow.ends;
    listener.send(answer, client.port, client.address, (error) => {
      if (error !== null) return this.dropped();
      flow.outBytes += answer.length;
      if (flow.server >= 0) this.#host.addDatagrams(flow.server, "out", answer.length);
      if (flow.isOnePacket) this.#end(flow, "realserver");
    });
    if (flow.isOnePacket) return;
    this.#place(flow, this.#answered);
    if (!isFirst || flow.server < 0) return;
    const { dispatcher } = this.#options;
    dispatcher.request.token = flow.token;
    dispatcher.established(flow.service, flow.server);
  }

  refused(flow: NetFlow): void {
    if (flow.isRefused || !this.#isThere(flow)) return;
    this.#host.count("flowRefused");
    if (flow.server >= 0) this.#options.dispatcher.failed(flow.server);
    this.#close(flow, "refused", Ending.RESET);
    if (flow.isOnePacket) {
      this.#forget(flow);
      return;
    }
    flow.isRefused = true;
    this.#place(flow, this.#short);
  }

  readonly #received = (listener: FlowListener, datagram: Buffer, client: RemoteInfo): void => {
    const key = keyOf(listener, client);
    const known = this.#flows.get(key);
    let flow = known;
    if (known?.isRefused) this.#forget(known);
    if (known === undefined || known.isRefused) flow = this.#open(listener, client, known?.server ?? -1);
    if (flow === undefined) return;
    flow.send(datagram, this);
    if (flow.isOnePacket) return;
    const isAnswered = flow.lastAt - flow.answeredAt <= RECENT_MS;
    this.#place(flow, isAnswered ? this.#answered : this.#unanswered);
  };

  #open(listener: FlowListener, client: RemoteInfo, avoid: number): NetFlow | undefined {
    const { dispatcher, memory, thread } = this.#options;
    if (this.#count >= this.#capacity) this.#evict();
    const flow = new NetFlow({ listener, client });
    this.#describe(flow);
    flow.server = dispatcher.dispatchFlow(flow.service, avoid);
    if (flow.server < 0 && flow.server !== Verdict.SORRY) {
      this.#turnAway(flow);
      return undefined;
    }
    flow.token = dispatcher.target.token;
    flow.headerFormat = datagramFormat(dispatcher.target.header);
    flow.isOnePacket = dispatcher.target.isOnePacket;
    this.#host.count("flowOpened");
    if (flow.server === Verdict.SORRY) this.#host.count("sorry");
    memory.threadFlows[thread]++;
    if (!flow.isOnePacket) this.#flows.set(keyOf(listener, client), flow);
    this.#place(flow, flow.isOnePacket ? this.#short : this.#unanswered);
    if (dispatcher.target.sources > 0) dispatcher.nextSource(flow.service);
    flow.connect(dispatcher.target, this);
    return flow;
  }

  #describe(flow: NetFlow): void {
    const { request } = this.#options.dispatcher;
    request.family = flow.family;
    request.client.set(flow.clientWords);
    request.clientPort = flow.clientPort;
    request.destination.set(flow.destinationWords);
    request.destinationPort = flow.destinationPort;
    request.token = flow.token;
  }

  #turnAway(flow: NetFlow): void {
    const reason = TURNED_AWAY[flow.server] ?? "noServer";
    this.#host.count(reason);
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#told.second) this.#told = { second, count: 0 };
    if (this.#told.count++ < REFUSALS_TOLD_PER_SEC) this.#record(flow, reason);
  }

  #evict(): void {
    const [short] = this.#short;
    const [unanswered] = this.#unanswered;
    const [answered] = this.#answered;
    const isStale = answered !== undefined && performance.now() - answered.answeredAt > RECENT_MS;
    const isOlder = isStale && unanswered !== undefined && answered.lastAt < unanswered.lastAt;
    const flow = short ?? (isOlder ? answered : (unanswered ?? answered));
    this.#host.count("flowEvicted");
    this.#end(flow, "evicted");
  }

  #end(flow: NetFlow, reason: EndReasonName): void {
    if (!this.#isThere(flow)) return;
    if (!flow.isRefused) this.#close(flow, reason, Ending.EXPIRED);
    this.#forget(flow);
  }

  #close(flow: NetFlow, reason: EndReasonName, ending: EndingValue): void {
    const { dispatcher, memory, thread } = this.#options;
    if (!flow.isOnePacket) {
      this.#describe(flow);
      dispatcher.closed(flow.service, flow.server, false, ending);
    }
    flow.close();
    this.#record(flow, reason);
    memory.threadFlows[thread]--;
  }

  #record(flow: NetFlow, reason: EndReasonName): void {
    if (!writeRecord(this.#options.records, flow, reason, flow.lastAt)) this.#host.count("recordsDropped");
  }

  #isThere(flow: NetFlow): boolean {
    return this.#short.has(flow) || this.#unanswered.has(flow) || this.#answered.has(flow);
  }

  #forget(flow: NetFlow): void {
    for (const ring of [this.#short, this.#unanswered, this.#answered]) ring.delete(flow);
    if (!flow.isOnePacket) this.#flows.delete(keyOf(flow.ends.listener, flow.ends.client));
  }

  #place(flow: NetFlow, ring: Set<NetFlow>): void {
    for (const other of [this.#short, this.#unanswered, this.#answered]) other.delete(flow);
    ring.add(flow);
  }

  *#all(): Iterable<NetFlow> {
    yield* [...this.#short, ...this.#unanswered, ...this.#answered];
  }

  get #count(): number {
    return this.#short.size + this.#unanswered.size + this.#answered.size;
  }

  get #capacity(): number {
    return Math.max(1, this.#options.memory.settings[Setting.MAX_FLOWS]);
  }
}

function keyOf(listener: FlowListener, { address, port }: { address: string; port: number }): string {
  return `${listener.spec.id} ${address} ${port}`;
}
