/**
 * Connection records on their way from a data plane thread to the forwarder's main thread, through a ring in shared
 * memory: one writer (the thread), one reader (the main thread). A record that finds the ring full is counted and
 * dropped; the writer never waits.
 *
 * A record is RECORD_WORDS doubles, in the order of `RecordField`.
 */

/** How a connection ended, for the access log. */
export const EndReason = {
  /** Ended in order, the client's FIN was first. */
  client: 0,
  /** Ended in order, the realserver's FIN was first. */
  realserver: 1,
  clientReset: 2,
  realserverReset: 3,
  idleTimeout: 4,
  finTimeout: 5,
  /** No realserver could be connected to, tries included. */
  connectFailed: 6,
  /** No realserver was available. */
  noServer: 7,
  serviceLimit: 8,
  sourceLimit: 9,
  /** Closed by an operator, or at the end of `shutdown.grace`. */
  killed: 10,
  /** The client went before a realserver was connected. */
  clientGone: 11,
  /** A trusted proxy's connection did not begin with a PROXY protocol header. */
  proxyHeaderMissing: 12,
  /** Its header was malformed, too long, cut off, or its checksum did not fit. */
  proxyHeaderInvalid: 13,
  /** Its header did not come whole in time. */
  proxyHeaderTimeout: 14,
  /** The client is no trusted proxy, and the service serves only these. */
  proxyRefused: 15,
  /** UDP: the realserver refused a datagram, or could not be reached. */
  refused: 16,
  /** UDP: gave way to new flows. */
  evicted: 17,
} as const;
export type EndReasonName = keyof typeof EndReason;
export const END_REASON_NAMES = Object.keys(EndReason) as readonly EndReasonName[];

/** Index of each field of a record. */
export const RecordField = {
  /** Wall clock of the accept, ms since 1970. */
  startMs: 0,
  /** From accept to connected to the realserver, of a UDP flow to its first answer, ms with fractions; -1 if that never happened. */
  connectMs: 1,
  /** From accept to the end, of a UDP flow to its last datagram, ms with fractions. */
  sessionMs: 2,
  family: 3,
  /** Four words. */
  client: 4,
  clientPort: 8,
  /** Slot of the service. */
  service: 9,
  /** Slot of the realserver, or a negative value of Verdict. */
  server: 10,
  /** Four words: the VIP that the client spoke to. */
  destination: 11,
  destinationPort: 15,
  inBytes: 16,
  outBytes: 17,
  /** EndReason. */
  end: 18,
  /** Realservers tried in vain before the last one. */
  retries: 19,
} as const;
export const RECORD_WORDS = 20;

/** The ring as it lies in shared memory: cursors count records for ever (modulo 2^32); the slot is cursor mod capacity. */
export interface RecordRing {
  /** Word 0: records written, by the thread; word 1: records read, by the main thread. */
  readonly cursors: Int32Array;
  readonly records: Float64Array;
  /** A power of two. */
  readonly capacity: number;
}

/** Makes an empty ring. @param capacity records, a power of two */
export function createRecordRing(capacity: number): RecordRing {
  return {
    cursors: new Int32Array(new SharedArrayBuffer(8)),
    records: new Float64Array(new SharedArrayBuffer(capacity * RECORD_WORDS * 8)),
    capacity,
  };
}

/**
 * Claims the slot for the next record: fill `ring.records` from the returned index on, then call `commitRecord`.
 * Hot path. @returns -1 where the ring is full
 */
export function claimRecord(ring: RecordRing): number {
  const written = ring.cursors[0];
  if (((written - Atomics.load(ring.cursors, 1)) | 0) >= ring.capacity) return -1;
  return (written & (ring.capacity - 1)) * RECORD_WORDS;
}

/** Publishes the record that was filled. Hot path. */
export function commitRecord(ring: RecordRing): void {
  Atomics.store(ring.cursors, 0, (ring.cursors[0] + 1) | 0);
}

/**
 * Hands every record that has been written since the last call to `visit`, as ring and index of the record's first word.
 * @returns how many there were
 */
export function drainRecords(
  ring: RecordRing,
  visit: (records: Float64Array, index: number) => void,
): number {
  const written = Atomics.load(ring.cursors, 0);
  let read = ring.cursors[1];
  const count = (written - read) | 0;
  for (; read !== written; read = (read + 1) | 0) {
    visit(ring.records, (read & (ring.capacity - 1)) * RECORD_WORDS);
    Atomics.store(ring.cursors, 1, (read + 1) | 0);
  }
  return count;
}
