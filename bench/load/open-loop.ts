/**
 * Requests at a given rate, whatever the answers do. Request k is due at a fixed time, and its latency counts from then:
 * while answers are late, those that wait for a free connection grow late too, and are counted so. A load that sends a
 * request only after an answer (wrk does) asks less of a balancer that is slow, and hides what its clients would see.
 */
import { build } from "hdr-histogram-js";
import { EAGAIN, EPOLLIN, MSG_NOSIGNAL } from "../../src/dataplane/native/linux.js";
import type { Address } from "../system/loopback.js";
import { ClientSockets } from "./client-sockets.js";
import { answerBytes } from "./http-answer.js";

/** What is asked for, and how. */
export interface OpenLoopJob {
  readonly entry: Address;
  /** A whole request after which the connection stays. */
  readonly request: string;
  readonly connections: number;
  readonly sources: number;
}

/** How fast and how long. */
export interface OpenLoopRun {
  readonly perSecond: number;
  readonly seconds: number;
}

/** What came of it, in milliseconds. */
export interface OpenLoopResult {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** How late requests were sent, 99th percentile: what the load itself, or the want of a free connection, is part of. */
  readonly sentLateMs: number;
}

const OPEN_MS = 10_000;
/** After the last request is due. */
const ANSWERED_MS = 10_000;
const HIGHEST_US = 60_000_000;

const histogram = () =>
  build({ bitBucketSize: 32, highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: 3 });

/** Connections that are open, and the requests on them. */
export class OpenLoop {
  readonly #sockets: ClientSockets;
  readonly #request: { readonly address: number; readonly buffer: ArrayBuffer };
  /** When the request that a connection carries was due; by descriptor. */
  readonly #dueMs: Float64Array;
  readonly #got: Int32Array;
  /** Connections that carry no request, as a stack. */
  readonly #free: Int32Array;
  #freeCount = 0;
  #answerBytes = 0;

  /** Opens the connections, and sends one request on each. @throws Error where one does not open, or is not answered */
  constructor({ entry, request, connections, sources }: OpenLoopJob) {
    this.#sockets = new ClientSockets(entry, { sources });
    this.#request = this.#sockets.message(request);
    this.#dueMs = new Float64Array(this.#sockets.descriptors);
    this.#got = new Int32Array(this.#sockets.descriptors);
    this.#free = new Int32Array(connections);
    const { clock } = this.#sockets;
    const giveUpMs = clock.nowMs + OPEN_MS;
    for (let i = 0; i < connections; i++) {
      const fd = this.#sockets.open(EPOLLIN);
      while (!this.#trySend(fd)) this.#pause(giveUpMs, "opens no connection");
      while (this.#freeCount === i) {
        const count = this.#sockets.wait(giveUpMs - clock.nowMs);
        if (count === 0) this.#pause(giveUpMs, "does not answer");
        for (let event = 0; event < count; event++) this.#learn(this.#sockets.ready(event));
      }
    }
  }

  /** Sends requests and takes answers until all have come. @throws Error on an answer that is missing */
  run({ perSecond, seconds }: OpenLoopRun): OpenLoopResult {
    const sockets = this.#sockets;
    const { clock } = sockets;
    const [latency, lateness] = [histogram(), histogram()];
    const total = Math.floor(perSecond * seconds);
    const gapMs = 1000 / perSecond;
    clock.tick();
    const startMs = clock.nowMs;
    const giveUpMs = startMs + seconds * 1000 + ANSWERED_MS;
    let [sent, answered] = [0, 0];
    while (answered < total) {
      while (sent < total && this.#freeCount > 0 && startMs + sent * gapMs <= clock.nowMs) {
        const fd = this.#free[--this.#freeCount];
        const dueMs = startMs + sent++ * gapMs;
        this.#dueMs[fd] = dueMs;
        if (!this.#trySend(fd)) throw new Error("a connection takes no request");
        lateness.recordValue(Math.round((clock.nowMs - dueMs) * 1000));
      }
      if (clock.nowMs > giveUpMs) throw new Error(`${total - answered} of ${total} requests had no answer`);
      const canSend = sent < total && this.#freeCount > 0;
      const count = sockets.wait((canSend ? startMs + sent * gapMs : giveUpMs) - clock.nowMs);
      for (let event = 0; event < count; event++) {
        const fd = sockets.ready(event);
        if (!this.#take(fd)) continue;
        latency.recordValue(Math.round((clock.nowMs - this.#dueMs[fd]) * 1000));
        answered++;
      }
    }
    const at = (percentile: number): number => latency.getValueAtPercentile(percentile) / 1000;
    return {
      requests: answered,
      p50Ms: at(50),
      p99Ms: at(99),
      p999Ms: at(99.9),
      sentLateMs: lateness.getValueAtPercentile(99) / 1000,
    };
  }

  /** Receives. @returns whether the answer is complete */
  #take(fd: number): boolean {
    const n = this.#sockets.receive(fd);
    if (n <= 0) throw new Error(n === 0 ? "a connection was closed" : `recv: errno ${-n}`);
    this.#got[fd] += n;
    if (this.#got[fd] < this.#answerBytes) return false;
    this.#got[fd] = 0;
    this.#free[this.#freeCount++] = fd;
    return true;
  }

  /** Receives the first answer of a connection, and learns from it how long they are. */
  #learn(fd: number): void {
    const n = this.#sockets.receive(fd);
    if (n <= 0) throw new Error(n === 0 ? "a connection was closed" : `recv: errno ${-n}`);
    const bytes = answerBytes(this.#sockets.text(n));
    if (bytes !== n) throw new Error("the answer to one request did not come at once: it is too long");
    this.#answerBytes = bytes;
    this.#free[this.#freeCount++] = fd;
  }

  #trySend(fd: number): boolean {
    const n = this.#sockets.libc.send(
      fd,
      this.#request.address,
      this.#request.buffer.byteLength,
      MSG_NOSIGNAL,
    );
    if (n < 0 && n !== -EAGAIN) throw new Error(`send: errno ${-n}`);
    return n === this.#request.buffer.byteLength;
  }

  #pause(giveUpMs: number, complaint: string): void {
    this.#sockets.clock.tick();
    if (this.#sockets.clock.nowMs > giveUpMs) throw new Error(`the balancer ${complaint}`);
  }
}
