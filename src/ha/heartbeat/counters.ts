/** What a director's heartbeat counts. */
import { DROP_REASONS, type DropReason } from "./drop-reasons.js";

/** Counters besides the reasons for dropping datagrams, with what they mean. */
export const HEARTBEAT_COUNTERS = {
  received: "messages accepted",
  own_echo: "own messages that came back on a broadcast link",
  sent: "datagrams sent",
  send_err: "datagrams that the system did not send",
  node_dead: "times that a node was declared dead",
  node_left: "times that a node said goodbye",
  node_returned: "times that a node came back that had been declared dead and had not restarted",
  late: "messages that came later than warntime after the one before",
  quorum_lost: "times that quorum was lost",
  conflict: "times that two directors held the same group",
  acquired: "groups acquired",
  released: "groups released",
  stalled: "times that this director stood still for so long that another may have taken over",
  fenced: "nodes that were fenced",
  fence_failed: "attempts to fence a node that failed",
} as const;

/** Name of a counter. */
export type CounterName = keyof typeof HEARTBEAT_COUNTERS | DropReason;

/** All counters. */
export type Counters = Record<CounterName, number>;

/** Counters at zero. */
export function zeroCounters(): Counters {
  const names = [...Object.keys(HEARTBEAT_COUNTERS), ...Object.keys(DROP_REASONS)];
  return Object.fromEntries(names.map((name) => [name, 0])) as Counters;
}
