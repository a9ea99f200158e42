/** Something that belongs to a group and is started and stopped: a service behind the floating addresses. */

/** Why something failed, in words; undefined: it did not. */
export type Failure = string | undefined;

/** How often and how long. */
export interface ResourceTiming {
  /** Between two looks whether it still runs; 0: none. @default 10 s */
  readonly monitorMs?: number;
  /** @default 20 s */
  readonly startTimeoutMs?: number;
  /** @default 20 s */
  readonly stopTimeoutMs?: number;
}

/** Times where nothing else is configured. */
export const RESOURCE_DEFAULTS = {
  monitorMs: 10_000,
  startTimeoutMs: 20_000,
  stopTimeoutMs: 20_000,
} as const;

/** One resource. None of the methods rejects. */
export interface Resource {
  /** For people: `lsb ldirectord`, `ocf heartbeat:Filesystem`. */
  readonly name: string;
  readonly monitorMs: number;
  /** Starts it; where it runs already, that is a success. @param signal ends the attempt, in an unknown state */
  start(signal: AbortSignal): Promise<Failure>;
  /** Stops it; where it is stopped already, that is a success. */
  stop(): Promise<Failure>;
  /** @returns why it does not run; undefined: it does */
  monitor(): Promise<Failure>;
}
