/** The portable data plane beside the least that node:net can do: what balancing costs on top of carrying. */
import { pipe } from "../peers/pipe.js";
import { uvsNet } from "../peers/uvs.js";
import type { Scenario } from "./scenario.js";
import { small } from "./small.js";

export const netPlane: Scenario = {
  ...small,
  name: "net-plane",
  title: "The net plane beside a bare pipe of node:net: small keep-alive requests, 64 connections",
  metrics: small.metrics.map(({ target: _, ...metric }) =>
    metric.key === "perSecond" ? { ...metric, target: { atLeast: 0.95 } } : metric,
  ),
  comparison: { peers: [uvsNet, pipe], baseline: pipe.name, candidate: uvsNet.name },
};
