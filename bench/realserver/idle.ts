/** Realservers whose connections idle: each byte is sent back, and nothing else happens. */
import { fileURLToPath } from "node:url";
import { freePort, REALSERVERS, waitForAnswer } from "../system/loopback.js";
import { hasEnded, type Processes } from "../system/processes.js";
import type { Realservers } from "./realserver.js";

const PROBE = "x";

/** Starts the idle realservers. */
export async function startIdleRealservers(processes: Processes): Promise<Realservers> {
  const port = await freePort(REALSERVERS[0]);
  const addresses = REALSERVERS.map((host) => ({ host, port }));
  const program = fileURLToPath(new URL("./idle-server.js", import.meta.url));
  const running = processes.start("load", [process.execPath, program, String(port)]);
  await waitForAnswer(addresses[0], PROBE, () => (hasEnded(running.child) ? running.output() : undefined));
  return { addresses, probe: PROBE, running };
}
