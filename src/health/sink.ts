/** What the health part wants done: the director implements it, and tells the data plane. */
import type { Endpoint } from "../core/address.js";
import type { ServiceId } from "../core/model.js";

/** How a realserver should stand in the table of its service. */
export interface DesiredRealserver {
  /** Whether it may get new connections. */
  readonly usable: boolean;
  /** Effective weight: 0 where it is not usable, and where the weight asked for is 0. */
  readonly weight: number;
  /** False takes it out of the table (`onDown: remove`); its weight is 0 then. */
  readonly present: boolean;
  /** True at the change that should also reset its connections. */
  readonly closeSessions: boolean;
  /** Connections at once that an agent asked for; undefined keeps what is configured, 0 is no limit. */
  readonly connectionLimit?: number;
  /** In words, safe to show: `http GET / : status 503`. */
  readonly reason: string;
}

/** How a service stands. */
export interface DesiredService {
  /** Whether it has its quorum. */
  readonly up: boolean;
  /** Sum of the weights of realservers that are up. */
  readonly weight: number;
}

/** Receives what should be, on change only, and once for each at the beginning. Must not throw and must not wait. */
export interface HealthSink {
  realserver(service: ServiceId, endpoint: Endpoint, desired: DesiredRealserver): void;
  service(service: ServiceId, desired: DesiredService): void;
}
