/** What features cost that are switched on by configuration: each in turn beside uvs without any of them. */
import { uvsAccessLog, uvsNative, uvsPersistent } from "../peers/uvs.js";
import { connections } from "./connections.js";
import type { Scenario } from "./scenario.js";

const peers = [uvsNative, uvsAccessLog, uvsPersistent];

export const features: Scenario = {
  ...connections,
  name: "features",
  title: "What features cost: new connections with an access log, and with persistence templates",
  metrics: connections.metrics.map(({ target: _, ...metric }) => metric),
  comparison: { peers, baseline: uvsNative.name, candidate: uvsAccessLog.name },
};
