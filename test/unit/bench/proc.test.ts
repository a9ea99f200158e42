import assert from "node:assert/strict";
import { test } from "node:test";
import {
  descendants,
  parseProcessStat,
  parseSmapsRollup,
  parseSystemCpu,
} from "../../../bench/measure/proc.js";

/** Field 4 is the parent, 14 to 17 are the times of the process and of its children, 22 is the start. */
function statText(name: string): string {
  return `4711 (${name}) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 11 0 987654 1000 200 18446744073709551615`;
}

test("a process's time is its own and that of the children it waited for, in microseconds", () => {
  const expected = { pid: 4711, parent: 1, cpuUs: 1_270_000, startTime: 987654 };
  assert.deepEqual(parseProcessStat(statText("haproxy")), expected);
});

test("a command name with blanks and brackets does not shift the fields of /proc/PID/stat", () => {
  assert.deepEqual(parseProcessStat(statText("a ) b (c) 1 2")), parseProcessStat(statText("haproxy")));
});

test("the system's time leaves out idle, iowait, steal and guest time", () => {
  const text = "cpu  1 20 300 999999 888888 4000 50000 777777 666666 555555\ncpu0 9 9 9 9 9 9 9 9 9 9\n";
  assert.equal(parseSystemCpu(text), 54_321 * 10_000);
});

test("memory is read from smaps_rollup in KiB, and PSS leaves out mapped files", () => {
  const text = [
    "55d0-7ffc ---p 00000000 00:00 0    [rollup]",
    "Rss:               12044 kB",
    "Pss_Dirty:          1111 kB",
    "Pss:                7033 kB",
    "Pss_Anon:           2222 kB",
    "Pss_File:           3000 kB",
  ].join("\n");
  assert.deepEqual(parseSmapsRollup(text), { rssKiB: 12044, pssKiB: 4033 });
});

test("a process tree is the root with all its descendants and nothing else", () => {
  const process = (pid: number, parent: number) => ({ pid, parent, cpuUs: 0, startTime: 0 });
  const all = [process(5, 4), process(1, 0), process(4, 2), process(3, 1), process(2, 1)];
  const pids = (root: number) => descendants(all, root).map(({ pid }) => pid);
  assert.deepEqual(pids(2), [2, 4, 5]);
  assert.deepEqual(pids(99), []);
});
