/**
 * What /proc tells about processor time and memory. A balancer is a tree of processes (uvs: primary, forwarder and their
 * threads; nginx: master and worker), so everything here is asked of a root process and summed over its descendants.
 */
import { readdirSync, readFileSync } from "node:fs";

/** /proc counts in USER_HZ, which is 100 on every Linux that Node runs on (proc(5)). */
const TICK_US = 10_000;

/** The fields of /proc/PID/stat that are used here. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of all its threads and of the children it has waited for. */
  readonly cpuUs: number;
  /** Ticks after boot; with the pid it names one process for good. */
  readonly startTime: number;
}

/** Sizes of a process tree in KiB. */
export interface Memory {
  /**
   * Each shared page divided among those who share it, without mapped files: the share of a program's code in memory falls
   * whenever one more process of the same program starts, such as a client that runs on Node.
   */
  readonly pssKiB: number;
  /** All pages, mapped files included. */
  readonly rssKiB: number;
}

/** Reads the text of /proc/PID/stat. The command name may hold blanks and brackets: fields count from the last one. */
export function parseProcessStat(text: string): ProcessStat {
  const nameEnd = text.lastIndexOf(")");
  const fields = text.slice(nameEnd + 2).split(" ");
  // Field 3 of proc(5), the state, is the first one behind the name.
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    cpuUs: (field(14) + field(15) + field(16) + field(17)) * TICK_US,
    startTime: field(22),
  };
}

/**
 * Reads the first line of /proc/stat: busy time of all cores in microseconds. Not counted are idle, waiting for
 * input/output, stolen by the hypervisor, and guest time (user time holds it already).
 */
export function parseSystemCpu(text: string): number {
  const [user, nice, system, , , irq, softirq] = text.split("\n", 1)[0].split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * TICK_US;
}

/** Reads the text of /proc/PID/smaps_rollup. */
export function parseSmapsRollup(text: string): Memory {
  const kib = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  return { pssKiB: kib("Pss") - kib("Pss_File"), rssKiB: kib("Rss") };
}

/** Reads the text of /proc/meminfo: what could be given to programs without swapping. */
export function parseAvailableKiB(text: string): number {
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}

/** The processes below `root` and `root` itself, parents first. Empty when it is gone. */
export function descendants(all: readonly ProcessStat[], root: number): ProcessStat[] {
  const found = all.filter((process) => process.pid === root);
  for (const parent of found) found.push(...all.filter((process) => process.parent === parent.pid));
  return found;
}

/** The living process tree of `root`. */
export function processTree(root: number): ProcessStat[] {
  return descendants(readProcesses(), root);
}

/** Processor time of the tree of `root` so far, in microseconds. */
export function treeCpuUs(root: number): number {
  return processTree(root).reduce((sum, process) => sum + process.cpuUs, 0);
}

/** Processor time of the whole machine so far, in microseconds. */
export function systemCpuUs(): number {
  return parseSystemCpu(readFileSync("/proc/stat", "utf8"));
}

/** Memory of the tree of `root` now. What the kernel keeps for its sockets is not in it. */
export function treeMemory(root: number): Memory {
  let pssKiB = 0;
  let rssKiB = 0;
  for (const { pid } of processTree(root)) {
    const memory = parseSmapsRollup(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    pssKiB += memory.pssKiB;
    rssKiB += memory.rssKiB;
  }
  return { pssKiB, rssKiB };
}

/** The process with this pid, undefined when there is none. */
export function readProcess(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined; // it has ended
  }
}

function readProcesses(): ProcessStat[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readProcess(Number(pid)))
    .filter((process) => process !== undefined);
}
