/** What the kernel tells about a process (proc(5)). Linux only. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Clock ticks a second in /proc/PID/stat: sysconf(_SC_CLK_TCK), 100 on every Linux that Node runs on. */
const TICKS_PER_SEC = 100;

/** Open descriptors by kind: `socket`, `pipe`, `anon_inode`, `file`. */
export function descriptorsOf(pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${fd}`);
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const [, kib] = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB$/m) ?? [];
  return Number(kib) * 1024;
}

/** Share of one core that a process uses over a while: 0 is asleep, 1 is one thread that spins. */
export async function cpuShare(pid: number, overMs: number): Promise<number> {
  const [startMs, startTicks] = [performance.now(), cpuTicks(pid)];
  await delay(overMs);
  const seconds = (performance.now() - startMs) / 1000;
  return (cpuTicks(pid) - startTicks) / TICKS_PER_SEC / seconds;
}

/** User and system time of all threads. */
function cpuTicks(pid: number): number {
  // The second field, the name in parentheses, may have blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function kindOf(path: string): string | undefined {
  try {
    const [, kind] = readlinkSync(path).match(/^(\w+):/) ?? [];
    return kind ?? "file";
  } catch {
    // Closed since the folder was read.
    return undefined;
  }
}
