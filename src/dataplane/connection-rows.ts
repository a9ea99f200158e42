/** One connection as a row of doubles: how a plane lists what it carries, so that a list crosses threads as one array. */

/** Index of each field of a row. */
export const ConnectionField = {
  /** Slot of the service. */
  service: 0,
  /** Slot of the realserver, or Verdict.SORRY. */
  server: 1,
  family: 2,
  /** Four words. */
  client: 3,
  clientPort: 7,
  /** Four words. */
  destination: 8,
  destinationPort: 12,
  /** ConnectionState. */
  state: 13,
  /** Since the accept, ms. */
  ageMs: 14,
  /** Until it is ended if nothing happens, ms. */
  expiresMs: 15,
  /** Bytes that the realserver has been sent. */
  inBytes: 16,
  outBytes: 17,
} as const;
export const CONNECTION_WORDS = 18;

/** How far a connection is. */
export const ConnectionState = {
  /** Being connected to a realserver. */
  CONNECTING: 0,
  ESTABLISHED: 1,
  /** The client's FIN came first (the kernel's CLOSE_WAIT). */
  CLIENT_FINISHED: 2,
  /** The realserver's FIN came first (FIN_WAIT). */
  REALSERVER_FINISHED: 3,
  /** Its PROXY protocol header has not come yet: nothing is decided. */
  AWAITING_HEADER: 4,
  /** A UDP flow. */
  UDP: 5,
} as const;
