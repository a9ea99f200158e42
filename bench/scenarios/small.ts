/** Small answers on connections that are kept alive: the cost of carrying one request there and one answer back. */
import { SMALL_PATH } from "../realserver/realserver.js";
import { measureHttp } from "./http-load.js";
import type { Scenario } from "./scenario.js";

export const small: Scenario = {
  name: "small",
  title: "Small keep-alive requests: 128-byte answers, 64 connections",
  realservers: "http",
  metrics: [
    { key: "processUs", title: "CPU us/request, process", digits: 2 },
    { key: "systemUs", title: "CPU us/request, whole system", digits: 2, target: { atMost: 1.05 } },
    { key: "perSecond", title: "requests/s", digits: 0 },
    { key: "p50Ms", title: "p50 ms", digits: 2 },
    { key: "p99Ms", title: "p99 ms", digits: 2 },
    { key: "busy", title: "core busy %", digits: 0, informative: true },
  ],
  async measure(peer, bench) {
    const http = { path: SMALL_PATH, connections: 64, close: false };
    const { cpu, perSecond, p50Ms, p99Ms } = await measureHttp(peer, bench, http);
    return { ...cpu, perSecond, p50Ms, p99Ms };
  },
};
