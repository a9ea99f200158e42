/** Services and realservers as they are when no forwarder can be asked: without a connection, and without a count. */
import { zeroTotals } from "../balancer/estimator.js";
import { type Realserver, serviceKey, type VirtualService } from "../core/model.js";
import type { DurationSummary, RealserverStatus, ServiceStatus } from "../core/status.js";

const NO_DURATIONS: DurationSummary = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** A service with its realservers, the last added first, as a forwarder lists them. */
export function withoutCounts({ id, settings, realservers }: VirtualService): ServiceStatus {
  return {
    id,
    key: serviceKey(id),
    settings,
    connections: 0,
    totals: zeroTotals(),
    rates: zeroTotals(),
    realservers: [...realservers].reverse().map(withoutTraffic),
    leaving: [],
  };
}

/** A realserver. */
export function withoutTraffic(server: Realserver): RealserverStatus {
  return {
    ...server,
    active: 0,
    inactive: 0,
    persistent: 0,
    overloaded: false,
    totals: zeroTotals(),
    rates: zeroTotals(),
    connectTime: NO_DURATIONS,
    sessionTime: NO_DURATIONS,
  };
}
