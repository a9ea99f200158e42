/** UDP realservers: each datagram is sent back. */
import { fileURLToPath } from "node:url";
import { freePort, REALSERVERS, waitForDatagram } from "../system/loopback.js";
import { hasEnded, type Processes } from "../system/processes.js";
import type { Realservers } from "./realserver.js";

const PROBE = "x";

/** Starts the UDP realservers. */
export async function startUdpRealservers(processes: Processes): Promise<Realservers> {
  const port = await freePort(REALSERVERS[0]);
  const addresses = REALSERVERS.map((host) => ({ host, port }));
  const program = fileURLToPath(new URL("./udp-server.js", import.meta.url));
  const running = processes.start("load", [process.execPath, program, String(port)]);
  await waitForDatagram(addresses[0], PROBE, () => (hasEnded(running.child) ? running.output() : undefined));
  return { addresses, transport: "udp", probe: PROBE, running };
}
