/** The servers behind the balancer. They run on the core of the load, never on the balancer's. */
import type { Address } from "../system/loopback.js";
import type { Running } from "../system/processes.js";

/**
 * What a scenario's realservers speak: HTTP, or one byte back for one byte on connections that then idle; `many` are
 * two thousand of HTTP, to be checked; or datagrams that are sent back.
 */
export type RealserverKind = "http" | "idle" | "many" | "udp";

/** Realservers that are being served, one process listening on several addresses. */
export interface Realservers {
  readonly addresses: readonly Address[];
  /** The same servers on a port where each connection begins with a PROXY protocol header. @default none */
  readonly proxied?: readonly Address[];
  /** @default "tcp" */
  readonly transport?: "udp";
  /** What to send to get an answer. */
  readonly probe: string;
  readonly running: Running;
}

/** Body of a small answer, in bytes. */
export const SMALL_BYTES = 128;
export const SMALL_PATH = "/small";

/** A request after which the connection stays. */
export const KEEP_ALIVE_PROBE = `GET ${SMALL_PATH} HTTP/1.1\r\nHost: vip\r\n\r\n`;

/** Body of an answer that fits a few packets, in bytes. */
export const MEDIUM_BYTES = 16 << 10;
export const MEDIUM_PATH = "/medium";

/** Takes bodies of LARGE_BYTES at most. */
export const UPLOAD_PATH = "/upload";

/** Body of a large answer, in bytes. */
export const LARGE_BYTES = 1 << 20;
export const LARGE_PATH = "/large";
