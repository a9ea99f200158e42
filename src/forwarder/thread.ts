/**
 * Entry of a data plane thread: joins the balancer's dispatcher and the native plane, and runs until it is told to stop.
 * It never returns to Node's event loop in between; commands wait in the message port and the eventfd wakes it for them.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { BalancerColumns } from "../balancer/columns.js";
import { ConnectionDispatcher } from "../balancer/dispatcher.js";
import type { PlaneCommand } from "../dataplane/dataplane.js";
import type { PlaneMemory } from "../dataplane/memory.js";
import { loadLibc } from "../dataplane/native/libc.js";
import { NativePlane } from "../dataplane/native/plane.js";
import type { RecordRing } from "../dataplane/records.js";

/** What the forwarder's main thread starts a thread with. */
export interface ThreadData {
  readonly thread: number;
  readonly columns: BalancerColumns;
  readonly memory: PlaneMemory;
  readonly records: RecordRing;
  readonly wakeFd: number;
}

const data = workerData as ThreadData;
const port = parentPort!;

const plane = new NativePlane({
  thread: data.thread,
  dispatcher: new ConnectionDispatcher(data.columns),
  memory: data.memory,
  records: data.records,
  notify: (event) => port.postMessage(event),
  libc: loadLibc(),
  wakeFd: data.wakeFd,
  nextCommand: () => receiveMessageOnPort(port)?.message as PlaneCommand | undefined,
});
plane.run();
port.close();
