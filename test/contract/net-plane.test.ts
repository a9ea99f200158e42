import { parseIp } from "../../src/core/address.js";
import { NetPlane } from "../../src/dataplane/net/plane.js";
import { bindDatagramHandle } from "../../src/forwarder/datagram-handles.js";
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

/** A UDP socket is the plane's alone. @returns its port */
function listenDatagrams(plane: NetPlane, id: number, service: number, text: string, anyPort: number) {
  const { family, words } = parseIp(text)!;
  const handle = bindDatagramHandle({ address: text, port: anyPort });
  if (typeof handle === "number") throw new Error(`bind to ${text} failed with error ${handle}`);
  const port = portOf(handle);
  const listener = { id, service, transport: "udp", family, address: words, port, fd: -1, handle } as const;
  plane.execute({ op: "listen", listener });
  return port;
}

function portOf(handle: object): number {
  const name = { port: 0 };
  (handle as { getsockname(name: object): number }).getsockname(name);
  return name.port;
}

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
    async listen(service, text, anyPort = 0, transport = "tcp") {
      const address = parseIp(text);
      if (!address) throw new Error(`${text} is no address`);
      if (transport === "udp")
        return { id: ++ids, port: listenDatagrams(plane, ids, service, text, anyPort) };
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
