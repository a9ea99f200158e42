/**
 * The status of services on its way from a forwarder to the director: the numbers of a realserver travel as a row, zeros at
 * its end left out. Of thousands of realservers, which names and braces would make a megabyte of text, that is a fifth; both
 * ends are busy with other things.
 */
import { zeroTotals } from "../balancer/estimator.js";
import type { Realserver } from "../core/model.js";
import type { DurationSummary, RealserverStatus, ServiceStatus, TrafficTotals } from "../core/status.js";

/** Status of a realserver as it travels. */
export interface RealserverRow {
  readonly settings: Realserver;
  /** active, inactive, persistent, overloaded, totals, rates, connect time, session time: as `rowOf` has them. */
  readonly row: readonly number[];
}

/** Status of a service as it travels. */
export interface ServiceRows extends Omit<ServiceStatus, "realservers" | "leaving"> {
  readonly realservers: readonly RealserverRow[];
  readonly leaving: readonly RealserverRow[];
}

/** One for all whose rows end before: garbage collection is a fifth of what a status costs. */
const NO_TRAFFIC: TrafficTotals = Object.freeze(zeroTotals());
const NO_DURATIONS: DurationSummary = Object.freeze({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });

/** The numbers of a realserver in order. */
export function rowOf(status: Omit<RealserverStatus, keyof Realserver>): number[] {
  const { active, inactive, persistent, overloaded, totals, rates, connectTime, sessionTime } = status;
  const row = [active, inactive, persistent, overloaded ? 1 : 0];
  for (const { connections, inPackets, outPackets, inBytes, outBytes } of [totals, rates]) {
    row.push(connections, inPackets, outPackets, inBytes, outBytes);
  }
  for (const { count, p50Ms, p99Ms, maxMs } of [connectTime, sessionTime]) {
    row.push(count, p50Ms, p99Ms, maxMs);
  }
  while (row.length > 0 && row[row.length - 1] === 0) row.pop();
  return row;
}

/** The status that was sent as rows. */
export function readServiceRows({ realservers, leaving, ...service }: ServiceRows): ServiceStatus {
  return { ...service, realservers: realservers.map(readRow), leaving: leaving.map(readRow) };
}

function readRow({ settings, row }: RealserverRow): RealserverStatus {
  // V8 makes thousands of these many times as fast with the spread behind the properties.
  return {
    active: row[0] ?? 0,
    inactive: row[1] ?? 0,
    persistent: row[2] ?? 0,
    overloaded: row[3] === 1,
    totals: trafficAt(row, 4),
    rates: trafficAt(row, 9),
    connectTime: durationsAt(row, 14),
    sessionTime: durationsAt(row, 18),
    ...settings,
  };
}

/** Totals or rates that stand in a row of numbers. */
export function trafficAt(row: ArrayLike<number>, from: number): TrafficTotals {
  if (from >= row.length) return NO_TRAFFIC;
  return {
    connections: row[from] ?? 0,
    inPackets: row[from + 1] ?? 0,
    outPackets: row[from + 2] ?? 0,
    inBytes: row[from + 3] ?? 0,
    outBytes: row[from + 4] ?? 0,
  };
}

function durationsAt(row: readonly number[], from: number): DurationSummary {
  if (from >= row.length) return NO_DURATIONS;
  return {
    count: row[from] ?? 0,
    p50Ms: row[from + 1] ?? 0,
    p99Ms: row[from + 2] ?? 0,
    maxMs: row[from + 3] ?? 0,
  };
}
