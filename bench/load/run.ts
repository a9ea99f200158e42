/** Runs the load generator of this machine. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { hasEnded, type Processes } from "../system/processes.js";
import { which } from "../system/which.js";
import { autocannon } from "./autocannon.js";
import type { LoadRequest, LoadResult, LoadTool } from "./load.js";
import { wrk } from "./wrk.js";

/** wrk when it is installed, autocannon otherwise. */
export function chooseLoadTool(): LoadTool {
  return which("wrk") === undefined ? autocannon : wrk;
}

/**
 * Runs the load to its end, on the core of the load.
 * @throws Error when it fails, or is not done ten seconds after it should be
 */
export async function runLoad(
  processes: Processes,
  tool: LoadTool,
  request: LoadRequest,
): Promise<LoadResult> {
  const running = processes.start("load", tool.command(request));
  const { child } = running;
  const late = setTimeout(() => child.kill("SIGKILL"), (request.seconds + 10) * 1000);
  try {
    if (!hasEnded(child)) await once(child, "exit");
    if (child.exitCode !== 0) {
      const end = child.exitCode ?? child.signalCode;
      throw new Error(`${tool.name} ended with ${end} on ${request.url}: ${running.output()}`);
    }
    return tool.parse(readFileSync(running.file, "utf8"));
  } finally {
    clearTimeout(late);
    await running.stop();
  }
}
