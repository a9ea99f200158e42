/** Connections as fast as they can be made, from many addresses, one request each: what a balancer meets after an outage. */
import { build } from "hdr-histogram-js";
import { EAGAIN, EPOLLET, EPOLLIN, EPOLLOUT, MSG_NOSIGNAL } from "../../src/dataplane/native/linux.js";
import type { Address } from "../system/loopback.js";
import { ClientSockets } from "./client-sockets.js";
import { answerBytes } from "./http-answer.js";

/** What is asked for. */
export interface StormJob {
  readonly entry: Address;
  /** A whole request after which the realserver closes. */
  readonly request: string;
  readonly sources: number;
  /** Connections that are open at a time. */
  readonly atOnce: number;
}

/** What came of it. */
export interface StormResult {
  readonly perSecond: number;
  /** From connect to the end of the connection, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

const LONGEST_MS = 60_000;

/** Makes `total` connections. @throws Error when one is refused, reset, or not answered in full */
export function storm(job: StormJob, total: number): StormResult {
  const sockets = new ClientSockets(job.entry, job);
  const { libc, clock } = sockets;
  const request = sockets.message(job.request);
  const begunMs = new Float64Array(sockets.descriptors);
  const got = new Int32Array(sockets.descriptors);
  const isAsked = new Uint8Array(sockets.descriptors);
  const times = build({
    bitBucketSize: 32,
    highestTrackableValue: LONGEST_MS * 2000,
    numberOfSignificantValueDigits: 3,
  });
  let [begun, ended, expected] = [0, 0, 0];

  const ask = (fd: number): void => {
    const n = libc.send(fd, request.address, request.buffer.byteLength, MSG_NOSIGNAL);
    if (n < 0 && n !== -EAGAIN) throw new Error(`connection ${begun}: errno ${-n}`);
    if (n > 0) isAsked[fd] = 1;
  };
  const take = (fd: number): void => {
    for (;;) {
      const n = sockets.receive(fd);
      if (n === -EAGAIN) return;
      if (n < 0) throw new Error(`connection ${begun}: errno ${-n}`);
      if (n === 0) break;
      if (expected === 0) expected = answerBytes(sockets.text(n)) ?? 0;
      got[fd] += n;
    }
    if (got[fd] !== expected) throw new Error(`a connection ended after ${got[fd]} of ${expected} bytes`);
    times.recordValue(Math.round((clock.nowMs - begunMs[fd]) * 1000));
    libc.close(fd);
    ended++;
  };

  clock.tick();
  const startMs = clock.nowMs;
  while (ended < total) {
    while (begun < total && begun - ended < job.atOnce) {
      const fd = sockets.open(EPOLLIN | EPOLLOUT | EPOLLET);
      begunMs[fd] = clock.nowMs;
      got[fd] = 0;
      isAsked[fd] = 0;
      begun++;
    }
    const count = sockets.wait(startMs + LONGEST_MS - clock.nowMs);
    if (clock.nowMs > startMs + LONGEST_MS)
      throw new Error(`${total - ended} of ${total} connections did not end`);
    for (let event = 0; event < count; event++) {
      const fd = sockets.ready(event);
      if (isAsked[fd] === 0) ask(fd);
      if (isAsked[fd] === 1) take(fd);
    }
  }
  const at = (percentile: number): number => times.getValueAtPercentile(percentile) / 1000;
  return {
    perSecond: (total * 1000) / (clock.nowMs - startMs),
    p50Ms: at(50),
    p99Ms: at(99),
    longestMs: at(100),
  };
}
