/** The status of services that a director in memory reports, as if there had been traffic. */
import { type Realserver, type ServiceId, type ServiceSettings, serviceKey } from "../../src/core/model.js";
import type {
  DurationSummary,
  RealserverStatus,
  ServiceStatus,
  TrafficTotals,
} from "../../src/core/status.js";

const NO_DURATIONS: DurationSummary = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** What a test may give a realserver as if there had been traffic. */
export type Traffic = {
  -readonly [Field in Exclude<keyof RealserverStatus, keyof Realserver>]?: RealserverStatus[Field];
};

export interface RealserverEntry {
  readonly server: Realserver;
  traffic: Traffic;
}

export interface ServiceEntry {
  readonly id: ServiceId;
  settings: ServiceSettings;
  /** Newest first, as the kernel's list. */
  servers: RealserverEntry[];
  /** Deleted while they had active connections. */
  leaving: RealserverEntry[];
}

export function noTraffic(): TrafficTotals {
  return { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
}

export function serviceStatus({ id, settings, servers, leaving }: ServiceEntry): ServiceStatus {
  const realservers = servers.map(realserverStatus);
  const totals = noTraffic();
  for (const server of realservers) {
    for (const name of Object.keys(totals) as (keyof TrafficTotals)[]) totals[name] += server.totals[name];
  }
  return {
    id,
    key: serviceKey(id),
    settings,
    connections: realservers.reduce((count, { active }) => count + active, 0),
    totals,
    rates: noTraffic(),
    realservers,
    leaving: leaving.map(realserverStatus),
  };
}

function realserverStatus({ server, traffic }: RealserverEntry): RealserverStatus {
  return {
    ...server,
    active: 0,
    inactive: 0,
    persistent: 0,
    overloaded: false,
    totals: noTraffic(),
    rates: noTraffic(),
    connectTime: NO_DURATIONS,
    sessionTime: NO_DURATIONS,
    ...traffic,
  };
}
