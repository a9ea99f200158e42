/**
 * The generation of this start of the director: greater than that of every start before, because the others take a lower one
 * for a replay. It is the time in seconds, or one more than the last one where the clock was set back.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "../../core/logger.js";

const MAX = 2 ** 47;

/** @param path the file that keeps the last generation. @param nowSec the time of the clock */
export function nextGeneration(path: string, nowSec: number, logger: Logger): number {
  const generation = Math.max(Math.floor(nowSec), lastGeneration(path) + 1);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, generation.toString(16));
    renameSync(`${path}.new`, path);
  } catch (error) {
    logger.error(
      { file: path },
      `the generation cannot be kept; if the clock is set back, the other directors will not believe this one: ${String(error)}`,
    );
  }
  return generation;
}

function lastGeneration(path: string): number {
  try {
    const last = Number.parseInt(readFileSync(path, "utf8"), 16);
    return last > 0 && last < MAX ? last : 0;
  } catch {
    // The first start on this host.
    return 0;
  }
}
