/** Connections that are open and do nothing, held by a process of their own (idle-client.ts). */
import { fileURLToPath } from "node:url";
import type { Address } from "../system/loopback.js";
import type { Processes, Running } from "../system/processes.js";

const OPEN_MS = 60_000;

/** Starts the process, without a connection yet. @param probe what each connection sends once, and is answered */
export function startIdleClient(processes: Processes, entry: Address, probe: string): Running {
  const program = fileURLToPath(new URL("./idle-client.js", import.meta.url));
  return processes.start("load", [process.execPath, program, entry.host, String(entry.port), probe], true);
}

/** Waits until the client has so many connections open. @throws Error with what it or the clock says */
export function openIdle({ child, output }: Running, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (word: string) => {
      clearTimeout(late);
      child.off("message", settle);
      child.off("exit", ended);
      if (word === "open") resolve();
      else reject(new Error(`opening ${total} connections: ${word}`));
    };
    const ended = () => settle(`the client has ended: ${output()}`);
    const late = setTimeout(() => settle(`not done within ${OPEN_MS / 1000} s`), OPEN_MS);
    child.on("message", settle);
    child.on("exit", ended);
    child.send(total);
  });
}
