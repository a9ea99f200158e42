/** Where the figures come from: machine, versions, commit, and how quiet it was. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LoadTool } from "./load/load.js";
import { measureCpu } from "./measure/cpu.js";
import { httpRealserverName } from "./realserver/http.js";
import { congestionControl, isIsolated } from "./system/namespace.js";
import type { Processes } from "./system/processes.js";
import { repository } from "./system/repository.js";
import { printed, which } from "./system/which.js";

/** Facts about a run, in the order in which they are printed. */
export type Facts = Readonly<Record<string, string>>;

const QUIET_MS = 1000;

/** Collects the facts. Looks at the machine for a second first, to say how busy others keep it. */
export async function collectFacts(processes: Processes, load: LoadTool): Promise<Facts> {
  const finish = measureCpu(undefined);
  await delay(QUIET_MS);
  const { systemUs, elapsedUs } = finish();
  const cores = cpus();
  return {
    commit: commit(),
    processor: `${cores[0]?.model.trim() ?? "unknown"}, ${cores.length} cores`,
    kernel: release(),
    pinned: processes.pinned
      ? "balancer on core 1; load and realservers on core 0"
      : "no (needs two cores and taskset): load and balancer share cores",
    network: `loopback${isIsolated ? " of a namespace of its own" : ""}, ${congestionControl()}`,
    "busy before": `${((100 * systemUs) / elapsedUs / cores.length).toFixed(0)} %`,
    node: process.version,
    koffi: packageVersion("koffi"),
    haproxy: version("haproxy", "-v", /version (\S+)/),
    nginx: version("nginx", "-v", /nginx\/(\S+)/),
    load: load.name === "wrk" ? `wrk ${version("wrk", "-v", /wrk (\S+)/)}` : load.name,
    realservers: httpRealserverName(),
  };
}

function version(program: string, flag: string, pattern: RegExp): string {
  const path = which(program);
  return path === undefined ? "not installed" : (pattern.exec(printed(path, flag))?.[1] ?? "unknown");
}

function packageVersion(name: string): string {
  try {
    const text = readFileSync(join(repository, "node_modules", name, "package.json"), "utf8");
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    return "not installed";
  }
}

function commit(): string {
  const git = (...args: string[]) =>
    spawnSync("git", args, { cwd: repository, encoding: "utf8" }).stdout ?? "";
  const hash = git("rev-parse", "--short", "HEAD").trim();
  if (hash === "") return "unknown";
  return git("status", "--porcelain").trim() === "" ? hash : `${hash} with uncommitted changes`;
}
