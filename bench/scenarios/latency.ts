/**
 * Latency with half of the capacity in use: open loop, at the same rate for every peer, which is half of what the baseline
 * carries when nothing but it sets the pace.
 */
import { ask, startProgram } from "../load/ask.js";
import type { OpenLoopJob, OpenLoopResult, OpenLoopRun } from "../load/open-loop.js";
import { runLoad } from "../load/run.js";
import { KEEP_ALIVE_PROBE, SMALL_PATH } from "../realserver/realserver.js";
import { text } from "../system/loopback.js";
import type { Scenario } from "./scenario.js";

const CONNECTIONS = 64;
const SOURCES = 16;
const SHARE = 0.5;
/** Beyond the time that the load is meant to take: it opens its connections, and waits for the last answers. */
const GRACE_SECONDS = 25;

export const latency: Scenario = {
  name: "latency",
  title: "Latency at 50 % of the baseline's capacity: 128-byte answers, open loop, 64 connections",
  realservers: "http",
  metrics: [
    { key: "p50Ms", title: "p50 ms", digits: 3 },
    { key: "p99Ms", title: "p99 ms", digits: 3, target: { atMost: 1.0 } },
    { key: "p999Ms", title: "p99.9 ms", digits: 3 },
    { key: "perSecond", title: "requests/s, given", digits: 0, informative: true },
    { key: "sentLateMs", title: "sent late ms, p99", digits: 3, informative: true },
  ],
  async calibrate(baseline, { processes, load, profile }) {
    const url = `http://${text(baseline.entry)}${SMALL_PATH}`;
    const request = { url, connections: CONNECTIONS, close: false };
    await runLoad(processes, load, { ...request, seconds: profile.warmUpSeconds });
    const { perSecond } = await runLoad(processes, load, { ...request, seconds: profile.seconds });
    return Math.round(perSecond * SHARE);
  },
  async measure({ entry }, { processes, profile }, perSecond) {
    const job: OpenLoopJob = { entry, request: KEEP_ALIVE_PROBE, connections: CONNECTIONS, sources: SOURCES };
    const client = startProgram(processes, "open-loop-client", job);
    const run = (seconds: number): Promise<OpenLoopResult> =>
      ask(client, { perSecond, seconds } satisfies OpenLoopRun, seconds + GRACE_SECONDS);
    try {
      await run(profile.warmUpSeconds);
      const { p50Ms, p99Ms, p999Ms, sentLateMs } = await run(profile.seconds);
      return { p50Ms, p99Ms, p999Ms, perSecond, sentLateMs };
    } finally {
      await client.stop();
    }
  },
};
