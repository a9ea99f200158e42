/** What a PROXY protocol header costs: the scenario `connections`, of uvs with version 2 beside uvs without. */
import { uvsNative, uvsProxyV2 } from "../peers/uvs.js";
import { connections } from "./connections.js";
import type { Scenario } from "./scenario.js";

export const proxyProtocol: Scenario = {
  ...connections,
  name: "proxy-protocol",
  title: "PROXY protocol v2: new connections with a header to the realserver, 64 at a time",
  comparison: {
    peers: [uvsNative, uvsProxyV2],
    baseline: uvsNative.name,
    candidate: uvsProxyV2.name,
  },
};
