/** A thread of persistence-threads.test.ts: connects every client in an order of its own, several rounds. */
import { parentPort, workerData } from "node:worker_threads";
import type { BalancerColumns } from "../../src/balancer/columns.js";
import { ConnectionDispatcher } from "../../src/balancer/dispatcher.js";
import { Ending } from "../../src/core/dispatch.js";

export interface PersistenceThreadData {
  readonly columns: BalancerColumns;
  readonly service: number;
  readonly thread: number;
  readonly clients: number;
  readonly rounds: number;
  /** By client: 1 + the realserver that it was sent to first; 0: not yet. */
  readonly seen: Int32Array;
  /** Word 0: threads that are ready, which all wait for; word 1: connections that went elsewhere than `seen`. */
  readonly words: Int32Array;
  readonly threads: number;
}

const { columns, service, thread, clients, rounds, seen, words, threads } =
  workerData as PersistenceThreadData;
const dispatcher = new ConnectionDispatcher(columns);
/** Coprime to the number of clients, so that each thread's order reaches all of them. */
const strides = [7, 9973, 4999, 12347];

Atomics.add(words, 0, 1);
while (Atomics.load(words, 0) < threads);

const { request, target } = dispatcher;
for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < clients; i++) {
    // All threads begin with the same clients, where they race for the first template.
    const client = round === 0 ? i : (i * strides[thread % strides.length] + thread) % clients;
    request.client[0] = 0x0a4d0000 + client;
    const server = dispatcher.dispatch(service);
    const first = Atomics.compareExchange(seen, client, 0, server + 1);
    if (first !== 0 && first !== server + 1) Atomics.add(words, 1, 1);
    request.token = target.token;
    dispatcher.established(service, server);
    dispatcher.closed(service, server, true, i % 3 === 0 ? Ending.RESET : Ending.FINISHED);
  }
}
parentPort?.postMessage("done");
