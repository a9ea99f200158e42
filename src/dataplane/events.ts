/** Events that the data plane counts, one word each per thread. The names are those of logs, metrics and `uvs status`. */

/** Index of each event in a thread's row of counters. */
export const PlaneEventIndex = {
  accepted: 0,
  established: 1,
  connectRefused: 2,
  connectTimedOut: 3,
  /** Other failures to connect: unreachable, no free source port, ... */
  connectFailed: 4,
  redispatched: 5,
  sorry: 6,
  noServer: 7,
  serviceLimit: 8,
  sourceLimit: 9,
  /** Times that accepting was paused at the connection limit. */
  acceptPaused: 10,
  /** Times that accepting was paused because the process had no descriptor left (EMFILE, ENFILE) or no memory. */
  acceptStarved: 11,
  idleTimeout: 12,
  finTimeout: 13,
  clientReset: 14,
  realserverReset: 15,
  /** Connections closed by an operator or by the end of `shutdown.grace`. */
  killed: 16,
  /** Connection records that found the ring full. */
  recordsDropped: 17,
  /** Trusted proxies whose connection began with something else than a PROXY protocol header. */
  proxyHeaderMissing: 18,
  /** Headers that were malformed, too long, cut off, or whose checksum did not fit. */
  proxyHeaderInvalid: 19,
  /** Headers that did not come whole in time. */
  proxyHeaderTimeout: 20,
  /** Clients that are no trusted proxy of a service that serves only these. */
  proxyRefused: 21,
  /** Transparent connections that got another port than the client's, which was in use. */
  clientPortTaken: 22,
  /** Addresses of `source` that had no free port towards a realserver, or are not this host's: the next one was tried. */
  sourceExhausted: 23,
  /** UDP flows that began; each datagram with one-packet scheduling. */
  flowOpened: 24,
  /** UDP flows that rested for the time-out. */
  flowExpired: 25,
  /** UDP flows whose realserver refused a datagram or could not be reached. */
  flowRefused: 26,
  /** UDP flows that gave way to new ones, at the bound. */
  flowEvicted: 27,
  /** Datagrams that could not be passed on: a full socket buffer, or a size or port that the system refuses. */
  datagramDropped: 28,
} as const;
export type PlaneEventName = keyof typeof PlaneEventIndex;

export const PLANE_EVENT_NAMES = Object.keys(PlaneEventIndex) as readonly PlaneEventName[];
export const PLANE_EVENT_COUNT = PLANE_EVENT_NAMES.length;
