/** One request per connection: the cost of accepting, scheduling, connecting and closing. */
import { SMALL_PATH } from "../realserver/realserver.js";
import { measureHttp } from "./http-load.js";
import type { Scenario } from "./scenario.js";

export const connections: Scenario = {
  name: "connections",
  title: "New connections: one request each, 64 at a time",
  realservers: "http",
  reconnects: true,
  metrics: [
    { key: "perSecond", title: "connections/s", digits: 0, target: { atLeast: 0.95 } },
    { key: "processUs", title: "CPU us/connection, process", digits: 1 },
    { key: "systemUs", title: "CPU us/connection, whole system", digits: 1 },
    { key: "p50Ms", title: "p50 ms", digits: 2 },
    { key: "p99Ms", title: "p99 ms", digits: 2 },
    { key: "busy", title: "core busy %", digits: 0, informative: true },
  ],
  async measure(peer, bench) {
    const http = { path: SMALL_PATH, connections: 64, close: true };
    const { cpu, perSecond, p50Ms, p99Ms } = await measureHttp(peer, bench, http);
    return { ...cpu, perSecond, p50Ms, p99Ms };
  },
};
