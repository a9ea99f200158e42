import { parseIp } from "../../src/core/address.js";
import { NetPlane } from "../../src/dataplane/net/plane.js";
import { type BoundHandle, bindHandle, HandleEcho } from "../helpers/handle-echo.js";
import type { PlaneBench, PlaneHarness, RunningPlane } from "../helpers/plane-harness.js";
import { ScriptedDispatcher } from "../helpers/scripted-dispatcher.js";
import { dataplaneSuite } from "./dataplane-suite.js";

dataplaneSuite("net", async (): Promise<PlaneHarness> => {
  const echo = new HandleEcho();
  return {
    startPlane: async (bench) => startNetPlane(bench, echo),
    close: () => echo.close(),
  };
});

function startNetPlane(bench: PlaneBench, echo: HandleEcho): RunningPlane {
  const owned = new Map<number, { handle: BoundHandle; hand: () => Promise<void> }>();
  let ids = 0;
  const plane = new NetPlane({
    thread: 0,
    dispatcher: new ScriptedDispatcher(bench.script),
    memory: bench.memory,
    records: bench.ring,
    notify: (event) => {
      bench.said.push(event);
      if (event.event === "wantListener") void owned.get(event.listener)?.hand();
    },
  });
  return {
    bench,
    async listen(service, text, anyPort = 0) {
      const address = parseIp(text);
      if (!address) throw new Error(`${text} is no address`);
      const { handle, port } = bindHandle(text, anyPort);
      const id = ++ids;
      const hand = async (): Promise<void> => {
        const listener = {
          id,
          service,
          transport: "tcp" as const,
          family: address.family,
          address: address.words,
          port,
          fd: -1,
          handle: await echo.copy(handle),
        };
        plane.execute({ op: "listen", listener });
      };
      owned.set(id, { handle, hand });
      await hand();
      return { id, port };
    },
    release(listener) {
      owned.get(listener)?.handle.close();
      owned.delete(listener);
    },
    command: (command) => plane.execute(command),
    async stop() {
      plane.execute({ op: "stop" });
      await bench.heard("stopped");
      for (const { handle } of owned.values()) handle.close();
      owned.clear();
    },
  };
}
