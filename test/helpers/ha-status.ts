/** A director that is master of one virtual router, as its status shows it. */
import type { HaInstanceStatus, HaStatus } from "../../src/core/ha-status.js";

/** A virtual router with everything there that a status can show. */
export function haInstance(changes: Partial<HaInstanceStatus> = {}): HaInstanceStatus {
  return {
    protocol: "vrrp",
    name: "VI_51",
    state: "MASTER",
    since: "2026-01-01T00:00:48.000Z",
    reason: "no master was heard",
    isLeaving: false,
    priority: 150,
    basePriority: 130,
    tracked: [{ kind: "script", name: "web", weight: 20, state: "up", adds: 20 }],
    faults: [],
    isStandby: false,
    interface: "eth0",
    source: "192.168.71.201",
    advertMs: 1000,
    downMs: 3414,
    master: { source: "192.168.71.202", priority: 100, heardMsAgo: 12_000 },
    peers: [
      {
        source: "192.168.71.202",
        priority: 100,
        intervalMs: 1000,
        lastHeard: "2026-01-01T00:00:48.000Z",
        rejected: { reason: "auth_failure", packets: 3, last: "2026-01-01T00:00:50.000Z" },
      },
    ],
    addresses: ["192.168.71.205"],
    holdsAddresses: true,
    resources: "started",
    trouble: "a resource does not start",
    transitions: 2,
    conflicts: 0,
    announcements: 10,
    maxLateMs: 1.7,
    counters: { advert_sent: 12 },
    syncGroup: "VG_1",
    vrrp: { id: 51, version: 2, family: 4 },
    ...changes,
  };
}

/** All of high availability of such a director. */
export function haStatus(...instances: readonly HaInstanceStatus[]): HaStatus {
  return {
    isConfigured: true,
    instances: instances.length > 0 ? instances : [haInstance()],
    unknownVrids: [{ id: 7, packets: 2 }],
    thread: { restarts: 0, loopDelay: { count: 100, p50Ms: 0.1, p99Ms: 1, maxMs: 1.9 } },
    primary: { loopDelay: { count: 90, p50Ms: 0.2, p99Ms: 2, maxMs: 9 } },
    guardian: { pid: 4712, restarts: 1 },
  };
}
