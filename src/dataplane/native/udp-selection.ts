/** Which UDP flows a command means, and what is told about them. Not for the hot path. */
import { CONNECTION_WORDS, ConnectionField, ConnectionState } from "../connection-rows.js";
import type { ConnectionFilter } from "../dataplane.js";
import { FlowState, type Flows } from "./udp-flows.js";
import { Ring } from "./udp-rings.js";
import type { FlowTimes } from "./udp-times.js";

/** The slots of open flows that a filter names. */
export function selectFlows(flows: Flows, filter: ConnectionFilter): number[] {
  const slots: number[] = [];
  for (let slot = 0; slot < flows.high; slot++) {
    const isThere = flows.state[slot] === FlowState.OPEN || flows.state[slot] === FlowState.ONE_PACKET;
    if (isThere && matches(flows, slot, filter)) slots.push(slot);
  }
  return slots;
}

/** Rows of connection-rows.ts, one after another; one-packet flows have none, as in the kernel. @param nowMs loop clock */
export function flowRows(
  flows: Flows,
  slots: readonly number[],
  times: FlowTimes,
  nowMs: number,
): Float64Array {
  const listed = slots.filter((slot) => flows.state[slot] === FlowState.OPEN);
  const rows = new Float64Array(listed.length * CONNECTION_WORDS);
  for (const [index, slot] of listed.entries()) {
    const row = rows.subarray(index * CONNECTION_WORDS, (index + 1) * CONNECTION_WORDS);
    row[ConnectionField.service] = flows.service[slot];
    row[ConnectionField.server] = flows.server[slot];
    row[ConnectionField.family] = flows.family[slot];
    flows.decodeClient(slot, row, ConnectionField.client);
    row[ConnectionField.clientPort] = flows.clientPort(slot);
    row.set(flows.destination.subarray(slot * 4, slot * 4 + 4), ConnectionField.destination);
    row[ConnectionField.destinationPort] = flows.destinationPort[slot];
    row[ConnectionField.state] = ConnectionState.UDP;
    row[ConnectionField.ageMs] = nowMs - flows.openedMs[slot];
    row[ConnectionField.expiresMs] = Math.max(0, flows.lastMs[slot] + times.restMs(Ring.UNANSWERED) - nowMs);
    row[ConnectionField.inBytes] = flows.inBytes[slot];
    row[ConnectionField.outBytes] = flows.outBytes[slot];
  }
  return rows;
}

function matches(flows: Flows, slot: number, { service, server, client }: ConnectionFilter): boolean {
  if (service !== undefined && flows.service[slot] !== service) return false;
  if (server !== undefined && flows.server[slot] !== server) return false;
  if (client === undefined) return true;
  if (flows.family[slot] !== client.family) return false;
  const words = new Uint32Array(4);
  flows.decodeClient(slot, words, 0);
  return client.words.every((word, i) => words[i] === word);
}
