/** A storm of connections: a thousand at a time from many addresses, each with one request that must be answered. */
import { ask, startProgram } from "../load/ask.js";
import type { StormJob, StormResult } from "../load/storm.js";
import { measureCpu } from "../measure/cpu.js";
import { SMALL_PATH } from "../realserver/realserver.js";
import type { Scenario } from "./scenario.js";

const AT_ONCE = 1000;
const SOURCES = 200;
const WARM_UP = 5000;
const CONNECTIONS_PER_SECOND = 8000;
const LONGEST_SECONDS = 70;

export const storm: Scenario = {
  name: "storm",
  title: `Connection storm: ${AT_ONCE.toLocaleString("en")} at a time from ${SOURCES} addresses, one request each`,
  realservers: "http",
  metrics: [
    { key: "processUs", title: "CPU us/connection, process", digits: 1 },
    { key: "systemUs", title: "CPU us/connection, whole system", digits: 1 },
    { key: "perSecond", title: "connections/s", digits: 0, moreIsBetter: true },
    { key: "p50Ms", title: "p50 ms", digits: 1 },
    { key: "p99Ms", title: "p99 ms", digits: 1 },
    { key: "longestMs", title: "longest ms", digits: 0, informative: true },
  ],
  async measure({ entry, pid }, { processes, profile }) {
    const request = `GET ${SMALL_PATH} HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n`;
    const job: StormJob = { entry, request, sources: SOURCES, atOnce: AT_ONCE };
    const client = startProgram(processes, "storm-client", job);
    try {
      await ask(client, WARM_UP, LONGEST_SECONDS);
      const total = CONNECTIONS_PER_SECOND * profile.seconds;
      const finish = measureCpu(pid);
      const result = await ask<StormResult>(client, total, LONGEST_SECONDS);
      const { processUs, systemUs } = finish();
      const figures = { ...result, systemUs: systemUs / total };
      return processUs === undefined ? figures : { ...figures, processUs: processUs / total };
    } finally {
      await client.stop();
    }
  },
};
