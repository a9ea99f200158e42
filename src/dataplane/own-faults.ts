/**
 * Why connecting fails before anything has been sent: the director's own want of ports, descriptors, memory or rights.
 * Another realserver may do, so the connection is dispatched again; this one gets no passive-failure mark.
 */
export const OWN_FAULTS = [
  "EADDRNOTAVAIL",
  "EADDRINUSE",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EACCES",
  "EPERM",
  "EAFNOSUPPORT",
] as const;
