/** Which connections a command means, and what is told about them. Not for the hot path. */
import { CONNECTION_WORDS, ConnectionField, ConnectionState } from "../connection-rows.js";
import type { ConnectionFilter } from "../dataplane.js";
import { Setting } from "../memory.js";
import { type Connections, State } from "./connections.js";

/** The slots that a filter names. */
export function select(connections: Connections, filter: ConnectionFilter): number[] {
  const slots: number[] = [];
  for (let slot = 0; slot < connections.high; slot++) {
    if (connections.state[slot] !== State.FREE && matches(connections, slot, filter)) slots.push(slot);
  }
  return slots;
}

/**
 * Rows of connection-rows.ts, one after another.
 * @param settings words of Setting
 * @param nowMs loop clock
 */
export function listRows(
  connections: Connections,
  slots: readonly number[],
  settings: Int32Array,
  nowMs: number,
): Float64Array {
  const rows = new Float64Array(slots.length * CONNECTION_WORDS);
  for (const [index, slot] of slots.entries()) {
    const row = rows.subarray(index * CONNECTION_WORDS, (index + 1) * CONNECTION_WORDS);
    row[ConnectionField.service] = connections.service[slot];
    row[ConnectionField.server] = connections.server[slot];
    row[ConnectionField.family] = connections.family[slot];
    row.set(connections.client.subarray(slot * 4, slot * 4 + 4), ConnectionField.client);
    row[ConnectionField.clientPort] = connections.clientPort[slot];
    row.set(connections.destination.subarray(slot * 4, slot * 4 + 4), ConnectionField.destination);
    row[ConnectionField.destinationPort] = connections.destinationPort[slot];
    row[ConnectionField.state] = stateOf(connections, slot);
    row[ConnectionField.ageMs] = nowMs - connections.acceptedMs[slot];
    row[ConnectionField.expiresMs] = Math.max(
      0,
      connections.lastMs[slot] + timeoutMs(connections, slot, settings) - nowMs,
    );
    row[ConnectionField.inBytes] = connections.bytes[slot * 2];
    row[ConnectionField.outBytes] = connections.bytes[slot * 2 + 1];
  }
  return rows;
}

function matches(connections: Connections, slot: number, filter: ConnectionFilter): boolean {
  const { service, server, client } = filter;
  if (service !== undefined && connections.service[slot] !== service) return false;
  if (server !== undefined && connections.server[slot] !== server) return false;
  if (client === undefined) return true;
  return (
    connections.family[slot] === client.family &&
    client.words.every((word, i) => connections.client[slot * 4 + i] === word)
  );
}

function stateOf(connections: Connections, slot: number): number {
  if (connections.state[slot] === State.CONNECTING) return ConnectionState.CONNECTING;
  if (connections.state[slot] === State.OPENING) return ConnectionState.AWAITING_HEADER;
  if (connections.firstFin[slot] === 0) return ConnectionState.ESTABLISHED;
  return connections.firstFin[slot] === 1
    ? ConnectionState.CLIENT_FINISHED
    : ConnectionState.REALSERVER_FINISHED;
}

function timeoutMs(connections: Connections, slot: number, settings: Int32Array): number {
  if (connections.state[slot] !== State.RELAYING) return connections.connectTimeoutMs[slot];
  return connections.firstFin[slot] === 0 ? settings[Setting.TCP_IDLE_MS] : settings[Setting.TCP_FIN_MS];
}
