/** How many connections the process has descriptors for. */
import { readFileSync } from "node:fs";
import type { Logger } from "../core/logger.js";
import { pipeCapacity } from "../dataplane/native/pipes.js";

/** Descriptors kept for listening sockets, logs and Node's own: an eighth, within these bounds. */
const RESERVED_DESCRIPTORS = { least: 64, most: 512 };

/** A proxied connection takes two: client side and server side. */
const DESCRIPTORS_PER_CONNECTION = 2;

/** Of UDP flows, where nothing was asked for. */
const MIN_FLOWS = 16;
const MAX_FLOWS = 65_536;

/** Assumed where the system does not say. */
const PORTABLE_LIMIT = 1024;

/**
 * The connection limit: what was asked for, as far as the descriptor limit allows it; 0 asks for as many as it allows.
 */
export function connectionCapacity(asked: number, logger: Logger): number {
  const descriptors = descriptorLimit();
  const possible = connectionRoom(descriptors, 0);
  if (asked <= possible) return asked === 0 ? possible : asked;
  logger.warn(
    { asked, possible, descriptors },
    `limits.connections ${asked} needs more descriptors than RLIMIT_NOFILE ${descriptors} allows: ${possible} it is`,
  );
  return possible;
}

/** The connections that descriptors are left for beside so many UDP flows. @param descriptors as `descriptorLimit` */
export function connectionRoom(descriptors: number, flows: number): number {
  const { least, most } = RESERVED_DESCRIPTORS;
  const others = Math.min(most, Math.max(least, descriptors / 8)) + 2 * pipeCapacity(descriptors) + flows;
  return Math.max(16, Math.floor((descriptors - others) / DESCRIPTORS_PER_CONNECTION));
}

/**
 * The limit of UDP flows, which take a descriptor each: what was asked for, as far as half the descriptor limit allows it; 0
 * asks for a quarter of that limit.
 */
export function flowCapacity(asked: number, logger: Logger): number {
  const descriptors = descriptorLimit();
  const possible = Math.max(MIN_FLOWS, Math.floor(descriptors / 2));
  if (asked === 0) return Math.max(MIN_FLOWS, Math.min(MAX_FLOWS, Math.floor(descriptors / 4)));
  if (asked <= possible) return asked;
  logger.warn(
    { asked, possible, descriptors },
    `limits.flows ${asked} needs more than half the descriptors of RLIMIT_NOFILE ${descriptors}: ${possible} it is`,
  );
  return possible;
}

/** RLIMIT_NOFILE of this process; Node raises the soft limit to the hard one when it starts. */
export function descriptorLimit(): number {
  try {
    const line = readFileSync("/proc/self/limits", "utf8").match(/^Max open files\s+(\S+)/m);
    const soft = Number(line?.[1]);
    // "unlimited" is bounded by what a process can have at all (fs.nr_open's default).
    return Number.isFinite(soft) ? soft : 1_048_576;
  } catch {
    return PORTABLE_LIMIT;
  }
}
