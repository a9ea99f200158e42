/** Large answers: the cost of moving bytes. */
import { LARGE_BYTES, LARGE_PATH } from "../realserver/realserver.js";
import { measureHttp } from "./http-load.js";
import type { Scenario } from "./scenario.js";

export const bulk: Scenario = {
  name: "bulk",
  title: "1 MiB answers, 16 connections kept alive",
  realservers: "http",
  metrics: [
    { key: "processUs", title: "CPU us/answer, process", digits: 0, target: { atMost: 0.9 } },
    { key: "systemUs", title: "CPU us/answer, whole system", digits: 0 },
    { key: "gigabytesPerSecond", title: "GB/s", digits: 2 },
    { key: "busy", title: "core busy %", digits: 0, informative: true },
  ],
  async measure(peer, bench) {
    const http = { path: LARGE_PATH, connections: 16, close: false };
    const { cpu, perSecond } = await measureHttp(peer, bench, http);
    return { ...cpu, gigabytesPerSecond: (perSecond * LARGE_BYTES) / 1e9 };
  },
};
