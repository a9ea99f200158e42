/**
 * One UDP flow of the `net` plane: a connected socket towards the realserver, and the numbers that its record needs. Until
 * the socket is connected, which takes a turn of the event loop, datagrams wait.
 */
import { createSocket, type Socket } from "node:dgram";
import { formatIp, parseIp } from "../../core/address.js";
import { ConnectionState } from "../connection-rows.js";
import type { ConnectionFilter } from "../dataplane.js";
import type { DispatchTarget } from "../dispatcher.js";
import type { FlowListener } from "./udp-listener.js";

/** Datagrams that wait for the socket; it takes as long as one turn of the event loop. */
const MAX_WAITING = 256;

/** What a flow tells its plane. */
export interface FlowHost {
  /** The realserver took a datagram. */
  sent(flow: NetFlow, bytes: number): void;
  answered(flow: NetFlow, answer: Buffer): void;
  refused(flow: NetFlow): void;
  dropped(): void;
  /** PROXY header that goes before a datagram of the flow, or undefined. */
  header(flow: NetFlow): Uint8Array | undefined;
}

/** Who sends to whom. */
export interface FlowEnds {
  readonly listener: FlowListener;
  readonly client: { readonly address: string; readonly port: number };
}

type Words = readonly [number, number, number, number];

/** See the file's head. The plane reads the public fields when it writes the record. */
export class NetFlow {
  readonly ends: FlowEnds;
  readonly service: number;
  readonly family: number;
  readonly clientWords: Words;
  readonly clientPort: number;
  readonly destinationWords: Words;
  readonly destinationPort: number;
  readonly startMs = Date.now();
  /** As `performance.now()`. */
  readonly acceptedAt = performance.now();
  /** From the first datagram to the first answer, ms; -1 before. */
  connectMs = -1;
  /** Of the last answer, and of the last datagram either way. */
  answeredAt = Number.NEGATIVE_INFINITY;
  lastAt = this.acceptedAt;
  server = -1;
  token = 0;
  /** PROXY header that goes before each datagram, bits of HeaderFormat. */
  headerFormat = 0;
  isOnePacket = false;
  /** Its realserver refused it: remembered, so that the next datagram goes to another one. */
  isRefused = false;
  inBytes = 0;
  outBytes = 0;
  readonly retries = 0;
  readonly state = ConnectionState.UDP;
  #socket: Socket | undefined;
  #waiting: Buffer[] | undefined = [];

  constructor(ends: FlowEnds) {
    const { spec } = ends.listener;
    this.ends = ends;
    this.service = spec.service;
    this.family = spec.family;
    this.clientWords = parseIp(ends.client.address)?.words ?? [0, 0, 0, 0];
    this.clientPort = ends.client.port;
    this.destinationWords = spec.address;
    this.destinationPort = spec.port;
  }

  /** Makes the socket. */
  connect({ family, address, port, sources, source }: DispatchTarget, host: FlowHost): void {
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    this.#socket = socket;
    socket.on("message", (answer) => host.answered(this, answer));
    socket.on("error", () => host.refused(this));
    if (sources > 0) socket.bind(0, textOf(family, source));
    socket.connect(port, textOf(family, address), () => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const datagram of waiting) this.#pass(datagram, host);
    });
  }

  /** Sends a datagram to the realserver. */
  send(datagram: Buffer, host: FlowHost): void {
    this.lastAt = performance.now();
    if (this.#waiting === undefined) this.#pass(datagram, host);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(datagram);
    else host.dropped();
  }

  close(): void {
    this.#socket?.removeAllListeners().on("error", () => {});
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Whether all that the filter gives agrees with this flow. */
  matches({ service, server, client }: ConnectionFilter): boolean {
    if (service !== undefined && this.service !== service) return false;
    if (server !== undefined && this.server !== server) return false;
    if (client === undefined) return true;
    return client.family === this.family && client.words.every((word, i) => word === this.clientWords[i]);
  }

  /** When it times out, as `performance.now()`. */
  expiresAt(idleMs: number): number {
    return this.lastAt + idleMs;
  }

  #pass(datagram: Buffer, host: FlowHost): void {
    const socket = this.#socket;
    const header = host.header(this);
    socket?.send(header === undefined ? [datagram] : [header, datagram], (error) => {
      if (error === null) host.sent(this, datagram.length);
      else if (this.#socket === socket) host.refused(this);
    });
  }
}

function textOf(family: number, words: Uint32Array): string {
  return formatIp(family, words[0], words[1], words[2], words[3]);
}
