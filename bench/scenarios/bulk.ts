/** Larger answers and requests: the cost of moving bytes. */
import { LARGE_BYTES, LARGE_PATH, MEDIUM_PATH, UPLOAD_PATH } from "../realserver/realserver.js";
import { httpScenario } from "./http-scenario.js";
import type { Scenario } from "./scenario.js";

export const bulk: Scenario = httpScenario({
  name: "bulk",
  title: "1 MiB answers, 16 connections kept alive",
  http: { path: LARGE_PATH, connections: 16, close: false },
  unit: "answer",
  targets: { processUs: { atMost: 0.75 } },
});

export const medium: Scenario = httpScenario({
  name: "medium",
  title: "16 KiB answers, 64 connections kept alive",
  http: { path: MEDIUM_PATH, connections: 64, close: false },
  unit: "answer",
});

export const upload: Scenario = httpScenario({
  name: "upload",
  title: "1 MiB uploads, 16 connections kept alive",
  http: { path: UPLOAD_PATH, connections: 16, close: false, bodyBytes: LARGE_BYTES },
  unit: "request",
});
