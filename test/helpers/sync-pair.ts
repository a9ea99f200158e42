/** Ends of a link between directors, for tests: what they were told is kept. */
import type { UvsError } from "../../src/core/errors.js";
import type { ConnectionObserver, SyncConnection, SyncParts } from "../../src/ha/sync/connection.js";
import { zeroSyncCounters } from "../../src/ha/sync/counters.js";
import type { SyncMessage } from "../../src/ha/sync/seal.js";
import { SystemTimers, type Timers } from "../../src/ha/timers.js";

/** The key of tests. */
export const SYNC_KEY = Buffer.from("a key that directors share in tests");

/** What a director called `node` brings to its links. */
export function syncParts(node: string, key = SYNC_KEY, timers: Timers = new SystemTimers()): SyncParts {
  return { node, key, timers, counters: zeroSyncCounters() };
}

/** Keeps what happens on connections. */
export class RecordingObserver implements ConnectionObserver {
  readonly open: SyncConnection[] = [];
  readonly messages: SyncMessage[] = [];
  readonly errors: UvsError[] = [];

  opened(connection: SyncConnection): void {
    this.open.push(connection);
  }

  message(_connection: SyncConnection, message: SyncMessage): void {
    this.messages.push(message);
  }

  closed(_connection: SyncConnection, error: UvsError): void {
    this.errors.push(error);
  }
}
