/**
 * Clients that ask for a mebibyte and read it at a trickle: what a balancer keeps for each of them must be bounded, and
 * small. Its own memory is in the process tree; what the kernel keeps for its sockets and pipes only shows in the memory
 * of the whole machine, where everything else that runs does too.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ask, startProgram } from "../load/ask.js";
import type { HoldJob, HoldStep } from "../load/hold.js";
import { settledMemory } from "../measure/memory.js";
import { parseAvailableKiB } from "../measure/proc.js";
import { none } from "../peers/none.js";
import { LARGE_PATH } from "../realserver/realserver.js";
import type { Scenario } from "./scenario.js";

const READERS = 200;
const SOURCES = 20;
/** What clients have room for, and what they read at a time: a mebibyte would last for 50 s. */
const RECEIVE_BYTES = 16 << 10;
const READ_BYTES = 2 << 10;
const PAUSE_MS = 100;
const LONGEST_SECONDS = 30;

export const slowReaders: Scenario = {
  name: "slow-readers",
  title: `${READERS} clients that read 1 MiB answers at 20 KiB/s`,
  realservers: "http",
  without: [none.name],
  metrics: [
    { key: "pssKiB", title: "KiB/connection (PSS)", digits: 1 },
    { key: "machineKiB", title: "KiB/connection, whole machine", digits: 0, informative: true },
  ],
  async measure({ entry, pid }, { processes, profile }) {
    const request = `GET ${LARGE_PATH} HTTP/1.1\r\nHost: vip\r\n\r\n`;
    const job: HoldJob = { entry, request, sources: SOURCES, receiveBytes: RECEIVE_BYTES };
    const client = startProgram(processes, "hold-client", job);
    const tell = (step: HoldStep): Promise<number> => ask(client, step, LONGEST_SECONDS);
    try {
      const before = await settledMemory(pid as number);
      const availableBefore = availableKiB();
      await tell({ open: READERS });
      const deadline = performance.now() + profile.seconds * 1000;
      let served = 0;
      while (performance.now() < deadline || served === 0) {
        await delay(PAUSE_MS);
        served = Math.max(served, await tell({ readBytes: READ_BYTES }));
      }
      if (served < READERS) throw new Error(`only ${served} of ${READERS} slow readers get anything`);
      const after = await settledMemory(pid as number);
      return {
        pssKiB: Math.max(0, after.pssKiB - before.pssKiB) / READERS,
        machineKiB: (availableBefore - availableKiB()) / READERS,
      };
    } finally {
      await client.stop();
    }
  },
};

function availableKiB(): number {
  return parseAvailableKiB(readFileSync("/proc/meminfo", "utf8"));
}
