/** Small requests while thousands of clients have connected and never say a word, as port scanners and slow attackers do. */
import { ask, startProgram } from "../load/ask.js";
import type { HoldJob, HoldStep } from "../load/hold.js";
import { settledMemory } from "../measure/memory.js";
import { none } from "../peers/none.js";
import type { Scenario } from "./scenario.js";
import { small } from "./small.js";

const WARM_UP = 64;
const SILENT = 4000;
/** Fewer than what listening sockets and SYN queues hold. */
const STEP = 500;
const SOURCES = 100;
const LONGEST_SECONDS = 30;

export const halfOpen: Scenario = {
  ...small,
  name: "half-open",
  title: `Small keep-alive requests beside ${SILENT.toLocaleString("en")} clients that connect and never send`,
  without: [none.name],
  metrics: [
    ...small.metrics.map(({ target: _, ...metric }) => metric),
    { key: "pssKiB", title: "KiB/silent connection (PSS)", digits: 2 },
  ],
  async measure(peer, bench, calibration) {
    const job: HoldJob = { entry: peer.entry, request: "", sources: SOURCES };
    const client = startProgram(bench.processes, "hold-client", job);
    const open = (count: number): Promise<number> =>
      ask(client, { open: count } satisfies HoldStep, LONGEST_SECONDS);
    try {
      await open(WARM_UP);
      const before = await settledMemory(peer.pid as number);
      for (let opened = 0; opened < SILENT; opened += STEP) await open(STEP);
      const after = await settledMemory(peer.pid as number);
      const pssKiB = Math.max(0, after.pssKiB - before.pssKiB) / SILENT;
      return { ...(await small.measure(peer, bench, calibration)), pssKiB };
    } finally {
      await client.stop();
    }
  },
};
