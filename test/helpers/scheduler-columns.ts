/** Schedulers' columns on plain memory, for tests. */
import {
  DEFAULT_CACHE_SETTINGS,
  NONE,
  type SchedulerColumns,
  STATE_WORDS,
  TABLE_WORDS,
} from "../../src/schedulers/columns.js";

/** Capacities; small by default. */
export interface SchedulerColumnSizes {
  readonly services?: number;
  readonly servers?: number;
  readonly entries?: number;
  readonly members?: number;
}

/** Makes empty columns on plain ArrayBuffers. */
export function createSchedulerColumns(sizes: SchedulerColumnSizes = {}): SchedulerColumns {
  const { services = 2, servers = 64, entries = 64, members = 128 } = sizes;
  const ints = (length: number): Int32Array => new Int32Array(length);
  const chain = (length: number): Int32Array => ints(length).map((_, i) => (i + 1 < length ? i + 1 : NONE));
  return {
    services: {
      head: ints(services).fill(NONE),
      serverCount: ints(services),
      schedulerFlags: ints(services),
      state: ints(services * STATE_WORDS),
      table: ints(services * TABLE_WORDS),
    },
    servers: {
      next: ints(servers).fill(NONE),
      previous: ints(servers).fill(NONE),
      flags: ints(servers),
      weight: ints(servers),
      lastWeight: ints(servers),
      active: ints(servers),
      inactive: ints(servers),
      family: ints(servers),
      address: new Uint32Array(servers * 4),
      port: ints(servers),
      generation: ints(servers),
    },
    cache: {
      lock: ints(1),
      settings: Int32Array.from(DEFAULT_CACHE_SETTINGS),
      free: Int32Array.of(entries > 0 ? 0 : NONE, members > 0 ? 0 : NONE),
      entryNext: chain(entries),
      entryAddress: new Uint32Array(entries * 4),
      entryFamily: ints(entries),
      entryTarget: ints(entries),
      entryGeneration: ints(entries),
      entryLastUseSec: ints(entries),
      entryLastModSec: ints(entries),
      memberNext: chain(members),
      memberServer: ints(members),
      memberGeneration: ints(members),
    },
  };
}
