/** The process before its first connection: how long it takes to answer, and what it occupies. */
import { settledMemory } from "../measure/memory.js";
import { none } from "../peers/none.js";
import type { Scenario } from "./scenario.js";

export const start: Scenario = {
  name: "start",
  title: "Start: until the first answer, and memory of the process tree then",
  realservers: "http",
  without: [none.name],
  metrics: [
    { key: "startMs", title: "ms to the first answer", digits: 0 },
    { key: "rssMiB", title: "MiB (RSS)", digits: 1 },
    { key: "pssMiB", title: "MiB (PSS)", digits: 1 },
  ],
  async measure(peer) {
    const { rssKiB, pssKiB } = await settledMemory(peer.pid as number);
    return { startMs: peer.startMs, rssMiB: rssKiB / 1024, pssMiB: pssKiB / 1024 };
  },
};
