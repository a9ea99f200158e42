/** What the `net` plane writes about a connection: its record at the end, its row in a list. */
import { CONNECTION_WORDS, ConnectionField } from "../connection-rows.js";
import { Setting } from "../memory.js";
import {
  claimRecord,
  commitRecord,
  EndReason,
  type EndReasonName,
  RecordField,
  type RecordRing,
} from "../records.js";
import type { NetConnection } from "./connection.js";
import { NetFlow } from "./udp-flow.js";

/**
 * Writes the record of a connection or UDP flow that has ended.
 * @param endedAt as `performance.now()`
 * @returns whether there was room
 */
export function writeRecord(
  ring: RecordRing,
  connection: NetConnection | NetFlow,
  end: EndReasonName,
  endedAt = performance.now(),
): boolean {
  const at = claimRecord(ring);
  if (at < 0) return false;
  const words = ring.records;
  words[at + RecordField.startMs] = connection.startMs;
  words[at + RecordField.connectMs] = connection.connectMs;
  words[at + RecordField.sessionMs] = endedAt - connection.acceptedAt;
  words[at + RecordField.family] = connection.family;
  words.set(connection.clientWords, at + RecordField.client);
  words[at + RecordField.clientPort] = connection.clientPort;
  words[at + RecordField.service] = connection.service;
  words[at + RecordField.server] = connection.server;
  words.set(connection.destinationWords, at + RecordField.destination);
  words[at + RecordField.destinationPort] = connection.destinationPort;
  words[at + RecordField.inBytes] = connection.inBytes;
  words[at + RecordField.outBytes] = connection.outBytes;
  words[at + RecordField.end] = EndReason[end];
  words[at + RecordField.retries] = connection.retries;
  commitRecord(ring);
  return true;
}

/** The rows of living connections, as connection-rows.ts has them. @param settings of the plane's memory */
export function listRows(
  connections: readonly (NetConnection | NetFlow)[],
  settings: Int32Array,
): Float64Array {
  const idleMs = Atomics.load(settings, Setting.TCP_IDLE_MS);
  const finMs = Atomics.load(settings, Setting.TCP_FIN_MS);
  const udpMs = Atomics.load(settings, Setting.UDP_IDLE_MS);
  const now = performance.now();
  const rows = new Float64Array(connections.length * CONNECTION_WORDS);
  connections.forEach((connection, i) => {
    const at = i * CONNECTION_WORDS;
    const expiresAt =
      connection instanceof NetFlow ? connection.expiresAt(udpMs) : connection.expiresAt(idleMs, finMs);
    rows[at + ConnectionField.service] = connection.service;
    rows[at + ConnectionField.server] = connection.server;
    rows[at + ConnectionField.family] = connection.family;
    rows.set(connection.clientWords, at + ConnectionField.client);
    rows[at + ConnectionField.clientPort] = connection.clientPort;
    rows.set(connection.destinationWords, at + ConnectionField.destination);
    rows[at + ConnectionField.destinationPort] = connection.destinationPort;
    rows[at + ConnectionField.state] = connection.state;
    rows[at + ConnectionField.ageMs] = now - connection.acceptedAt;
    rows[at + ConnectionField.expiresMs] = Math.max(0, expiresAt - now);
    rows[at + ConnectionField.inBytes] = connection.inBytes;
    rows[at + ConnectionField.outBytes] = connection.outBytes;
  });
  return rows;
}
