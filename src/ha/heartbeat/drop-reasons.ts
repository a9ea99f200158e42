/**
 * Why a received datagram is not acted upon. The word is the same in code, status, log and metric. A dropped datagram changes
 * a counter and nothing else.
 */
export const DROP_REASONS = {
  malformed: "it is no message of heartbeat",
  unknown_key: "it is signed with a key number that the key file does not have",
  wrong_digest: "the digest is wrong: another key, or damage",
  missing_field: "a field is missing or wrong that every message has (t, src, ts, hg, seq)",
  unknown_node: "the sender is none of the configured nodes",
  own_name: "another director uses our own node name",
  old_generation:
    "the sender's generation is lower than one seen before: a replay, or its clock was set back",
  duplicate: "the message was received before: on another link, or as a replay",
  unknown_type: "the type is none that a director acts upon",
  bad_status: "a field of a status message is wrong",
  not_taking_part: "this director is stopping",
} as const;

/** One of the reasons. */
export type DropReason = keyof typeof DROP_REASONS;
