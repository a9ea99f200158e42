/** Two thousand realservers to be checked, served by one process. */
import { get } from "node:http";
import { fileURLToPath } from "node:url";
import { type Address, REALSERVERS, waitForAnswer } from "../system/loopback.js";
import { hasEnded, type Processes } from "../system/processes.js";
import { type Realservers, SMALL_PATH } from "./realserver.js";

/** Ports of each address; below the range from which clients' ports are taken (ip_local_port_range). */
const PORTS = 500;
const FIRST_PORT = 21_000;
/** What tells how many requests were answered. */
export const COUNT_PATH = "/count";

/** The addresses, with ports in a row. */
export function manyAddresses(firstPort: number): Address[] {
  return REALSERVERS.flatMap((host) =>
    Array.from({ length: PORTS }, (_, i) => ({ host, port: firstPort + i })),
  );
}

/** Starts them. */
export async function startManyRealservers(processes: Processes): Promise<Realservers> {
  const addresses = manyAddresses(FIRST_PORT);
  const program = fileURLToPath(new URL("./many-server.js", import.meta.url));
  const running = processes.start("load", [process.execPath, program, String(FIRST_PORT)]);
  const probe = `GET ${SMALL_PATH} HTTP/1.0\r\n\r\n`;
  const last = addresses[addresses.length - 1];
  await waitForAnswer(last, probe, () => (hasEnded(running.child) ? running.output() : undefined));
  return { addresses, probe, running };
}

/** How many requests they have answered. */
export function answeredSoFar(): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `http://${REALSERVERS[0]}:${FIRST_PORT}${COUNT_PATH}`;
    get(url, { agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve(Number(text)));
    }).on("error", reject);
  });
}
