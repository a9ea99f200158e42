/**
 * Memory of a connection that is established and does nothing: growth of the balancer's process tree while thousands are
 * opened, each of which carries one byte each way. What the kernel keeps for the sockets is not in it; it is the same for
 * every peer that opens the same sockets.
 *
 * V8 gives memory of the start back at a time of its own, seconds later. So the growth is taken in steps, and a step in
 * which the memory shrinks counts as none: nothing that a connection costs is set off against older garbage.
 */
import { openIdle, startIdleClient } from "../load/idle.js";
import { settledMemory } from "../measure/memory.js";
import { none } from "../peers/none.js";
import type { Scenario } from "./scenario.js";

const WARM_UP = 64;
const STEP = 1000;
const STEPS = 5;

export const idle: Scenario = {
  name: "idle",
  title: `Memory of idle connections: ${(STEP * STEPS).toLocaleString("en")} open, one byte carried each way`,
  realservers: "idle",
  without: [none.name],
  metrics: [
    { key: "pssKiB", title: "KiB/connection (PSS)", digits: 2, target: { atMost: 0.4 } },
    { key: "rssKiB", title: "KiB/connection (RSS)", digits: 2 },
    { key: "baseMiB", title: "MiB before (RSS)", digits: 1, informative: true },
  ],
  async measure(peer, { processes }) {
    const root = peer.pid as number;
    const client = startIdleClient(processes, peer.entry, "x");
    try {
      await openIdle(client, WARM_UP);
      let before = await settledMemory(root);
      const baseMiB = before.rssKiB / 1024;
      let [pssKiB, rssKiB] = [0, 0];
      for (let step = 1; step <= STEPS; step++) {
        await openIdle(client, WARM_UP + step * STEP);
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
