/**
 * A network namespace for the bench alone: its loopback carries nobody else's traffic, and the congestion control that all
 * peers use is chosen and said instead of inherited. That choice moves figures more than any balancer does: `bbr` paces
 * every socket with a kernel timer, and on a virtual machine those timers cost as much as carrying the bytes.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { which } from "./which.js";

const CONGESTION = "/proc/sys/net/ipv4/tcp_congestion_control";
/** Tells the inner process that it is there already. */
const MARK = "UVS_BENCH_NAMESPACE";

/** What all TCP sockets of this namespace use. */
export function congestionControl(): string {
  try {
    return readFileSync(CONGESTION, "utf8").trim();
  } catch {
    return "unknown";
  }
}

/** Whether this process is in a namespace of its own. */
export const isIsolated = process.env[MARK] === "1";

/**
 * Runs this program again in a namespace of its own, passes signals on to it, and waits for its end.
 * @param congestion what its sockets are to use, such as `cubic`
 * @returns its exit code; undefined where that is not possible (not root, no `unshare`, no such congestion control), and
 *   the caller goes on where it is
 */
export async function runIsolated(congestion: string): Promise<number | undefined> {
  if (process.getuid?.() !== 0 || which("unshare") === undefined || which("ip") === undefined)
    return undefined;
  const prepare = `ip link set lo up && echo "$0" > ${CONGESTION}`;
  const inNamespace = (script: string, ...args: string[]): string[] => ["--net", "sh", "-c", script, ...args];
  if (spawnSync("unshare", inNamespace(prepare, congestion), { stdio: "ignore" }).status !== 0)
    return undefined;
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn("unshare", inNamespace(`${prepare} && exec "$@"`, congestion, ...command), {
    stdio: "inherit",
    env: { ...process.env, [MARK]: "1" },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  const [status] = (await once(child, "exit")) as [number | null];
  return status ?? 1;
}
