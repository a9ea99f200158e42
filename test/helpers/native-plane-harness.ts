import { Worker } from "node:worker_threads";
import { parseIp } from "../../src/core/address.js";
import type { PlaneCommand, PlaneEvent } from "../../src/dataplane/dataplane.js";
import { type Libc, loadLibc } from "../../src/dataplane/native/libc.js";
import { F_DUPFD_CLOEXEC } from "../../src/dataplane/native/linux.js";
import { boundPort, openListeners } from "../../src/dataplane/native/listen-socket.js";
import type { NativeLimits } from "../../src/dataplane/native/plane.js";
import { Bell, createWakeup } from "../../src/dataplane/native/wakeup.js";
import type { NativePlaneThreadData } from "./native-plane-thread.js";
import type { PlaneBench, PlaneHarness, RunningPlane } from "./plane-harness.js";
import { waitFor } from "./wait-for.js";

/** Runs native planes, each in a worker thread. @param limits as the plane's own */
export function nativePlaneHarness(limits?: NativeLimits): PlaneHarness {
  const libc = loadLibc();
  return {
    startPlane: (bench) => startNativePlane(libc, bench, limits),
    close: async () => {},
  };
}

async function startNativePlane(libc: Libc, bench: PlaneBench, limits?: NativeLimits): Promise<RunningPlane> {
  const wakeFd = createWakeup(libc);
  const bell = new Bell(libc);
  const owned = new Map<number, number>();
  const data: NativePlaneThreadData = {
    // What tests give as targets may be realservers with methods, which do not survive the way to a thread.
    script: { ...bench.script, services: JSON.parse(JSON.stringify(bench.script.services)) },
    memory: bench.memory,
    ring: bench.ring,
    wakeFd,
    limits,
  };
  const worker = new Worker(new URL("./native-plane-thread.js", import.meta.url), { workerData: data });
  let failure: Error | undefined;
  let ended = false;
  worker.on("message", (event: PlaneEvent) => bench.said.push(event));
  worker.on("error", (error) => {
    failure = error;
  });
  worker.on("exit", () => {
    ended = true;
  });
  const command = (message: PlaneCommand) => {
    worker.postMessage(message);
    bell.ring(wakeFd);
  };
  await waitFor("the plane is ready", () => {
    if (failure) throw failure;
    return bench.said.some(({ event }) => event === "ready");
  });

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    command({ op: "stop" });
    await waitFor("the plane's thread has ended", () => ended);
    for (const fd of [...owned.values(), wakeFd]) libc.close(fd);
    if (failure) throw failure;
  };
  let ids = 0;
  return {
    bench,
    command,
    async listen(service, text, anyPort = 0, transport = "tcp") {
      const address = parseIp(text);
      if (!address) throw new Error(`${text} is no address`);
      const [own] = openListeners(libc, { address: text, port: anyPort }, 1, undefined, transport);
      const port = boundPort(libc, own);
      const id = ++ids;
      owned.set(id, own);
      const fd = libc.fcntl(own, F_DUPFD_CLOEXEC, 0);
      command({
        op: "listen",
        listener: { id, service, transport, family: address.family, address: address.words, port, fd },
      });
      return { id, port };
    },
    release(listener) {
      libc.close(owned.get(listener) ?? -1);
      owned.delete(listener);
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
