/** Thread entry: a native plane with a scripted dispatcher, as src/forwarder/thread.ts is one with the balancer's. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { PlaneCommand } from "../../src/dataplane/dataplane.js";
import type { PlaneMemory } from "../../src/dataplane/memory.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { type NativeLimits, NativePlane } from "../../src/dataplane/native/plane.js";
import type { RecordRing } from "../../src/dataplane/records.js";
import { type DispatcherScript, ScriptedDispatcher } from "./scripted-dispatcher.js";

/** What the thread is started with. */
export interface NativePlaneThreadData {
  readonly script: DispatcherScript;
  readonly memory: PlaneMemory;
  readonly ring: RecordRing;
  readonly wakeFd: number;
  readonly limits?: NativeLimits;
}

const { script, memory, ring, wakeFd, limits } = workerData as NativePlaneThreadData;
const port = parentPort!;

new NativePlane({
  thread: 0,
  dispatcher: new ScriptedDispatcher(script),
  memory,
  records: ring,
  notify: (event) => port.postMessage(event),
  libc: loadLibc(),
  wakeFd,
  nextCommand: () => receiveMessageOnPort(port)?.message as PlaneCommand | undefined,
  limits,
}).run();
port.close();
