/**
 * Memory of a connection that is established and does nothing: growth of the balancer's process tree while thousands are
 * opened, each of which carries one byte each way. What the kernel keeps for the sockets is not in it; it is the same for
 * every peer that opens the same sockets.
 *
 * V8 gives memory of the start back at a time of its own, seconds later. So the growth is taken in steps, and a step in
 * which the memory shrinks counts as none: nothing that a connection costs is set off against older garbage.
 */
import { fileURLToPath } from "node:url";
import { settledMemory } from "../measure/memory.js";
import { none } from "../peers/none.js";
import type { RunningPeer } from "../peers/peer.js";
import type { Processes, Running } from "../system/processes.js";
import type { Scenario } from "./scenario.js";

const WARM_UP = 64;
const STEP = 1000;
const STEPS = 5;
const OPEN_MS = 30_000;

export const idle: Scenario = {
  name: "idle",
  title: `Memory of idle connections: ${(STEP * STEPS).toLocaleString("en")} open, one byte carried each way`,
  realservers: "idle",
  without: [none.name],
  metrics: [
    { key: "pssKiB", title: "KiB/connection (PSS)", digits: 2, target: { atMost: 0.6 } },
    { key: "rssKiB", title: "KiB/connection (RSS)", digits: 2 },
    { key: "baseMiB", title: "MiB before (RSS)", digits: 1, informative: true },
  ],
  async measure(peer, { processes }) {
    const root = peer.pid as number;
    const client = startClient(processes, peer);
    try {
      await openConnections(client, WARM_UP);
      let before = await settledMemory(root);
      const baseMiB = before.rssKiB / 1024;
      let [pssKiB, rssKiB] = [0, 0];
      for (let step = 1; step <= STEPS; step++) {
        await openConnections(client, WARM_UP + step * STEP);
        const after = await settledMemory(root);
        pssKiB += Math.max(0, after.pssKiB - before.pssKiB);
        rssKiB += Math.max(0, after.rssKiB - before.rssKiB);
        before = after;
      }
      return { pssKiB: pssKiB / (STEP * STEPS), rssKiB: rssKiB / (STEP * STEPS), baseMiB };
    } finally {
      await client.stop();
    }
  },
};

function startClient(processes: Processes, { entry }: RunningPeer): Running {
  const program = fileURLToPath(new URL("../load/idle-client.js", import.meta.url));
  return processes.start("load", [process.execPath, program, entry.host, String(entry.port)], true);
}

/** Waits until the client has so many connections open. @throws Error with what it or the clock says */
function openConnections({ child, output }: Running, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (word: string) => {
      clearTimeout(late);
      child.off("message", settle);
      child.off("exit", ended);
      if (word === "open") resolve();
      else reject(new Error(`opening ${total} connections: ${word}`));
    };
    const ended = () => settle(`the client has ended: ${output()}`);
    const late = setTimeout(() => settle(`not done within ${OPEN_MS / 1000} s`), OPEN_MS);
    child.on("message", settle);
    child.on("exit", ended);
    child.send(total);
  });
}
