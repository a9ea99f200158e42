/** A connection that looks as if it were being carried. */
import type { LiveConnection } from "../../src/core/status.js";
import { WEB } from "./control-fixture.js";

/** An established connection of 192.0.2.1 to WEB, except for what is given. */
export function liveConnection(over: Partial<LiveConnection> = {}): LiveConnection {
  return {
    service: WEB,
    client: { address: "192.0.2.1", port: 40000 },
    virtual: { address: "10.0.0.1", port: 80 },
    realserver: { address: "10.0.0.2", port: 80 },
    state: "ESTABLISHED",
    ageSec: 12.5,
    expiresSec: 890,
    inBytes: 512,
    outBytes: 71_680,
    generation: 1,
    ...over,
  };
}
