/** No balancer: the load goes straight to a realserver. Shows what the rest of the machine costs and can do. */
import type { Peer } from "./peer.js";

export const none: Peer = {
  name: "none",
  unavailable: () => undefined,
  prepare: () => undefined,
};
