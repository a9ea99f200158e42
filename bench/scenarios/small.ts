/** Small answers on connections that are kept alive: the cost of carrying one request there and one answer back. */
import { SMALL_PATH } from "../realserver/realserver.js";
import { httpScenario } from "./http-scenario.js";
import type { PlainScenario } from "./scenario.js";

export const small: PlainScenario = httpScenario({
  name: "small",
  title: "Small keep-alive requests: 128-byte answers, 64 connections",
  http: { path: SMALL_PATH, connections: 64, close: false },
  unit: "request",
  targets: { processUs: { atMost: 0.85 }, systemUs: { atMost: 0.93 } },
});

/** One client that waits for each answer: what a system call more or less does to latency. */
export const small1: PlainScenario = httpScenario({
  name: "small-1",
  title: "Small keep-alive requests: 128-byte answers, 1 connection",
  http: { path: SMALL_PATH, connections: 1, close: false },
  unit: "request",
});

/** Many clients at once: what large batches of events do. */
export const small1000: PlainScenario = httpScenario({
  name: "small-1000",
  title: "Small keep-alive requests: 128-byte answers, 1,000 connections",
  http: { path: SMALL_PATH, connections: 1000, close: false },
  unit: "request",
});
