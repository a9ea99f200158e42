/** Memory of a process tree once it has come to rest. */
import { setTimeout as delay } from "node:timers/promises";
import { type Memory, treeMemory } from "./proc.js";

const INTERVAL_MS = 100;
const MOST_SAMPLES = 30;

/** Waits until three samples in a row lie within half a per cent, at most three seconds, and returns the last one. */
export async function settledMemory(root: number): Promise<Memory> {
  const samples: Memory[] = [];
  while (samples.length < MOST_SAMPLES) {
    samples.push(treeMemory(root));
    const last = samples.slice(-3).map((memory) => memory.pssKiB);
    if (last.length === 3 && Math.max(...last) - Math.min(...last) <= last[2] * 0.005) break;
    await delay(INTERVAL_MS);
  }
  return samples[samples.length - 1];
}
