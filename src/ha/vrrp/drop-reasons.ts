/**
 * Why a received packet is not acted upon. The word is the same in code, status, log and metric; where keepalived counts the
 * same thing, it is keepalived's (reference: ha.md §2.6). A dropped packet changes a counter and nothing else: no timer, no
 * state.
 */
export const DROP_REASONS = {
  packet_len_err: "the length differs from what version and number of addresses demand",
  ip_ttl_err:
    "TTL or hop limit is not 255, so a router has forwarded the packet (or outside of the peer's range)",
  version_err: "the VRRP version is not the configured one",
  invalid_type_rcvd: "the type is not ADVERTISEMENT",
  checksum_err: "the checksum is wrong in every form in use",
  invalid_authtype: "the authentication type is neither none nor password",
  authtype_mismatch: "the peer authenticates and we do not, or the other way round",
  auth_failure: "the password is wrong",
  auth_ext_missing: "the HMAC trailer is missing, and the mode is enforce",
  auth_ext_malformed: "the HMAC trailer has an unknown type or reserved bits set",
  auth_ext_unknown_key: "the HMAC trailer names a key that is not configured",
  auth_ext_invalid_hmac: "the HMAC is wrong",
  auth_ext_stale: "the HMAC trailer's time is outside of the window",
  auth_ext_replay: "the HMAC trailer's sequence was seen before",
  advert_interval_err: "the interval is 0, or with version 2 another one than ours",
  no_addresses: "the packet names no address",
  mcast_mode_err: "multicast arrived at an instance with unicast peers, or the other way round",
  unlisted_peer: "the sender is none of the unicast peers",
  own_address: "the sender uses our own source address: our packets come back, or somebody has our address",
  not_taking_part: "the instance is in INIT or FAULT",
} as const;

/** One of the reasons. */
export type DropReason = keyof typeof DROP_REASONS;
