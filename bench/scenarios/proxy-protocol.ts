/** What a PROXY protocol header costs: the load of `connections`, of uvs with version 2 beside uvs without. */
import { uvsNative, uvsProxyV2 } from "../peers/uvs.js";
import { SMALL_PATH } from "../realserver/realserver.js";
import { httpScenario } from "./http-scenario.js";
import type { Scenario } from "./scenario.js";

export const proxyProtocol: Scenario = {
  ...httpScenario({
    name: "proxy-protocol",
    title: "PROXY protocol v2: new connections with a header to the realserver, 64 at a time",
    http: { path: SMALL_PATH, connections: 64, close: true },
    unit: "connection",
    targets: { perSecond: { atLeast: 0.95 } },
  }),
  comparison: {
    peers: [uvsNative, uvsProxyV2],
    baseline: uvsNative.name,
    candidate: uvsProxyV2.name,
  },
};
