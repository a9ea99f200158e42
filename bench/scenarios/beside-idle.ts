/** Small requests while thousands of other connections do nothing: what an idle connection costs those that work. */
import { openIdle, startIdleClient } from "../load/idle.js";
import { none } from "../peers/none.js";
import { KEEP_ALIVE_PROBE } from "../realserver/realserver.js";
import type { Scenario } from "./scenario.js";
import { small } from "./small.js";

const IDLE = 9000;

export const besideIdle: Scenario = {
  ...small,
  name: "beside-idle",
  title: `Small keep-alive requests on 64 connections beside ${IDLE.toLocaleString("en")} idle ones`,
  without: [none.name],
  metrics: small.metrics.map(({ target: _, ...metric }) =>
    metric.key === "systemUs" ? { ...metric, target: { atMost: 0.93 } } : metric,
  ),
  async measure(peer, bench, calibration) {
    const client = startIdleClient(bench.processes, peer.entry, KEEP_ALIVE_PROBE);
    try {
      await openIdle(client, IDLE);
      return await small.measure(peer, bench, calibration);
    } finally {
      await client.stop();
    }
  },
};
