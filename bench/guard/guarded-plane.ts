/** A native data plane with the real dispatcher in a thread of its own: one round-robin service, and what carrying costs. */
import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { createColumns } from "../../src/balancer/columns.js";
import { ServiceTable } from "../../src/balancer/service-table.js";
import { parseIp } from "../../src/core/address.js";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS } from "../../src/core/model.js";
import { createPlaneMemory, Setting } from "../../src/dataplane/memory.js";
import { type Libc, loadLibc } from "../../src/dataplane/native/libc.js";
import { boundPort, openListeners } from "../../src/dataplane/native/listen-socket.js";
import { Bell, createWakeup } from "../../src/dataplane/native/wakeup.js";
import { createRecordRing, drainRecords } from "../../src/dataplane/records.js";
import { type Address, VIP } from "../system/loopback.js";
import { countedCalls } from "./counting-libc.js";
import { type GuardedThreadData, MEASURE_HEAP } from "./thread-data.js";

const RING_RECORDS = 1 << 14;
const TIME_OUT_MS = 600_000;

/** How often each system call was made since the last look. */
export type Calls = Readonly<Record<string, number>>;

/** See the file's head. */
export interface GuardedPlane {
  readonly entry: Address;
  /** The counters since the last look; all 0 where nothing is counted. */
  calls(): Calls;
  /** Bytes on the thread's heap, garbage included. */
  heap(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts a plane in front of one realserver.
 * @param counting whether system calls are counted; counting allocates, so the heap is measured without it
 */
export async function startGuardedPlane(realserver: Address, counting: boolean): Promise<GuardedPlane> {
  const libc = loadLibc();
  const [socket] = openListeners(libc, { address: VIP, port: 0 }, 1);
  const port = boundPort(libc, socket);
  const memory = createPlaneMemory(1, 8);
  memory.settings[Setting.MAX_CONNECTIONS] = 1000;
  memory.settings[Setting.TCP_IDLE_MS] = TIME_OUT_MS;
  memory.settings[Setting.TCP_FIN_MS] = TIME_OUT_MS;
  const columns = createColumns({ services: 4, servers: 8, cacheEntries: 16, sources: 16, templates: 16 });
  const service = balance(columns, { host: VIP, port }, realserver);

  const names = countedCalls(libc);
  const counts = new Int32Array(new SharedArrayBuffer(names.length * 4));
  const records = createRecordRing(RING_RECORDS);
  const wakeFd = createWakeup(libc);
  const workerData: GuardedThreadData = {
    columns,
    memory,
    records,
    wakeFd,
    counts: counting ? counts : undefined,
  };
  // Room for all that is allocated meanwhile: a collection would hide it.
  setFlagsFromString("--min-semi-space-size=64");
  const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData });
  const ended = once(worker, "exit");
  const tell = (message: unknown): void => {
    worker.postMessage(message);
    new Bell(libc).ring(wakeFd);
  };
  await said(worker, (message) => message["event"] === "ready");
  const address = parseIp(VIP)!;
  tell({
    op: "listen",
    listener: { id: 1, service, family: address.family, address: address.words, port, fd: socket },
  });
  return {
    entry: { host: VIP, port },
    calls() {
      drainRecords(records, () => {});
      return Object.fromEntries(names.map((name, i) => [name, Atomics.exchange(counts, i, 0)]));
    },
    async heap() {
      const answer = said(worker, (message) => "heap" in message);
      tell(MEASURE_HEAP);
      return (await answer)["heap"] as number;
    },
    async stop() {
      tell({ op: "stop" });
      await ended;
      closeAll(libc, wakeFd);
    },
  };
}

/** @returns the service's slot */
function balance(columns: ReturnType<typeof createColumns>, vip: Address, realserver: Address): number {
  const table = new ServiceTable(columns, { serviceBegins() {}, serverBegins() {}, serverEnds() {} });
  const id = { protocol: "tcp", address: vip.host, port: vip.port } as const;
  const realservers = [{ ...DEFAULT_REALSERVER, address: realserver.host, port: realserver.port }];
  return table.addService({ id, settings: { ...DEFAULT_SETTINGS, scheduler: "rr" }, realservers }).slot;
}

/** Waits for a message of the thread. @throws Error when the thread fails */
function said(
  worker: Worker,
  isIt: (message: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const listen = (message: Record<string, unknown>): void => {
      if (!isIt(message)) return;
      worker.off("message", listen).off("error", reject);
      resolve(message);
    };
    worker.on("message", listen).once("error", reject);
  });
}

function closeAll(libc: Libc, ...fds: number[]): void {
  for (const fd of fds) libc.close(fd);
}
