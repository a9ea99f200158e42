/** Bytes of a request and of its answer over UDP: those of a usual question to a DNS server. */
export const DATAGRAM_BYTES = 100;
