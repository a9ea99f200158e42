/** Thread entry: what src/forwarder/thread.ts runs, with the system calls counted where asked for, and the heap measured. */

import { getHeapStatistics } from "node:v8";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { ConnectionDispatcher } from "../../src/balancer/dispatcher.js";
import type { PlaneCommand } from "../../src/dataplane/dataplane.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { NativePlane } from "../../src/dataplane/native/plane.js";
import { countingLibc } from "./counting-libc.js";
import { type GuardedThreadData, MEASURE_HEAP } from "./thread-data.js";

const { columns, memory, records, wakeFd, counts } = workerData as GuardedThreadData;
const port = parentPort!;
const libc = loadLibc();

/** Answers the questions itself and leaves the commands to the plane. */
function nextCommand(): PlaneCommand | undefined {
  for (;;) {
    const message: unknown = receiveMessageOnPort(port)?.message;
    if (message !== MEASURE_HEAP) return message as PlaneCommand | undefined;
    port.postMessage({ heap: getHeapStatistics().used_heap_size });
  }
}

new NativePlane({
  thread: 0,
  dispatcher: new ConnectionDispatcher(columns),
  memory,
  records,
  notify: (event) => port.postMessage(event),
  libc: counts === undefined ? libc : countingLibc(libc, counts),
  wakeFd,
  nextCommand,
}).run();
port.close();
