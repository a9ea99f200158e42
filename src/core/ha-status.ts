/** What `uvs ha status` shows: plain objects, the same for every protocol, times as ISO 8601 text. */
import type { DurationSummary } from "./status.js";
import type { SyncStatus } from "./sync-settings.js";

/** Protocols that directors share floating addresses by. */
export type HaProtocolName = "vrrp" | "heartbeat";

/** States of an instance; RFC 9568 says Active for MASTER, FAULT is keepalived's. */
export type HaState = "INIT" | "BACKUP" | "MASTER" | "FAULT";

/** Something that is watched besides the peers. */
export interface HaTrackedStatus {
  readonly kind: string;
  readonly name: string;
  readonly weight: number;
  readonly state: "up" | "down" | "unknown";
  /** What it adds to the priority now. */
  readonly adds: number;
}

/** Another director, as it was heard last. */
export interface HaPeerStatus {
  /** Address, or name of a node. */
  readonly source: string;
  readonly priority?: number;
  readonly intervalMs?: number;
  readonly lastHeard?: string;
  /** What is refused of it now; absent since something was accepted. */
  readonly rejected?: { readonly reason: string; readonly packets: number; readonly last: string };
}

/** What moves between directors as a whole, as it is now: a virtual router, a resource group. */
export interface HaInstanceStatus {
  readonly protocol: HaProtocolName;
  readonly name: string;
  readonly state: HaState;
  /** When it came into this state. */
  readonly since: string;
  /** Why, in words. */
  readonly reason: string;
  /** Still master, while its resources are being stopped. */
  readonly isLeaving: boolean;
  /** Effective priority, what is configured, and what was added. */
  readonly priority: number;
  readonly basePriority: number;
  readonly tracked: readonly HaTrackedStatus[];
  /** What it waits for before it takes over, in words; absent: nothing. */
  readonly waitsFor?: string;
  /** Why it cannot be master, in words. */
  readonly faults: readonly string[];
  readonly isStandby: boolean;
  readonly interface: string;
  /** The address that it speaks from. */
  readonly source?: string;
  readonly advertMs: number;
  /** Silence after which it takes over. */
  readonly downMs: number;
  /** Of a backup: the master it follows; of a master: the second master it heard last. */
  readonly master?: { readonly source: string; readonly priority: number; readonly heardMsAgo: number };
  readonly peers: readonly HaPeerStatus[];
  readonly addresses: readonly string[];
  readonly holdsAddresses: boolean;
  /** State of its resources as a list. */
  readonly resources: "stopped" | "starting" | "started" | "stopping" | "failed";
  /** Why its resources cannot be here. */
  readonly trouble?: string;
  readonly transitions: number;
  /** Times that a second master was heard and this one stayed. */
  readonly conflicts: number;
  /** Frames that announced its addresses. */
  readonly announcements: number;
  /** The latest that a timer ever was. */
  readonly maxLateMs: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly syncGroup?: string;
  /** Of protocol vrrp. */
  readonly vrrp?: { readonly id: number; readonly version: 2 | 3; readonly family: 4 | 6 };
}

/** A node of a heartbeat cluster, as it was heard last. */
export interface HeartbeatNodeStatus {
  readonly name: string;
  readonly state: "unknown" | "up" | "active" | "dead" | "left";
  /** Absent: it was never heard. */
  readonly heardMsAgo?: number;
  /** Groups that it said to hold last. */
  readonly holds: readonly string[];
  /** Ping nodes that it reaches. */
  readonly pings: number;
  readonly fencing: "not needed" | "wanted" | "running" | "done";
  /** Whether its configuration is ours in what must agree; absent: it does not say. */
  readonly hasSameConfiguration?: boolean;
}

/** A link of a heartbeat cluster. */
export interface HeartbeatLinkStatus {
  readonly name: string;
  readonly source?: string;
  /** Why it cannot be used. */
  readonly trouble?: string;
  /** Nodes that are heard on it. */
  readonly hears: readonly string[];
}

/** A heartbeat cluster, as one director sees it. */
export interface HeartbeatStatus {
  readonly node: string;
  /** `joining`: not everybody is known yet. */
  readonly phase: "stopped" | "joining" | "active" | "leaving";
  readonly members: number;
  readonly hasQuorum: boolean;
  readonly noQuorumPolicy: "stop" | "freeze" | "ignore";
  /** Groups that the operator does not want here. */
  readonly standby: readonly string[];
  readonly nodes: readonly HeartbeatNodeStatus[];
  readonly links: readonly HeartbeatLinkStatus[];
  readonly pings: readonly { readonly name: string; readonly state: "up" | "down" | "unknown" }[];
  readonly counters: Readonly<Record<string, number>>;
}

/** What a protocol reports of itself. */
export interface HaProtocolStatus {
  readonly instances: readonly HaInstanceStatus[];
  readonly heartbeat?: HeartbeatStatus;
  /** VRRP packets for virtual routers that are not configured here. */
  readonly unknownVrids?: readonly { readonly id: number; readonly packets: number }[];
}

/** The thread that high availability runs on. */
export interface HaThreadStatus {
  /** Times that it died and was replaced. */
  readonly restarts: number;
  /** How late its event loop comes to what is due. */
  readonly loopDelay: DurationSummary;
}

/** The process that takes the addresses off when the director is killed. */
export interface HaGuardianStatus {
  readonly pid: number;
  /** Times that it died and was replaced. */
  readonly restarts: number;
}

/** All of high availability as it is now. */
export interface HaStatus extends HaProtocolStatus {
  /** Whether the configuration has any of it; without, all else is empty. */
  readonly isConfigured: boolean;
  readonly thread?: HaThreadStatus;
  /** The thread of the control plane: configuration, health checks, the API, the links. */
  readonly primary?: { readonly loopDelay: DurationSummary };
  readonly guardian?: HaGuardianStatus;
  /** The links to the other directors, where they share what they know. */
  readonly sync?: SyncStatus;
}

/** Which of the instances an operator means. */
export interface HaChoice {
  /** Name of an instance; without it all. */
  readonly instance?: string;
  /** Of heartbeat: what belongs to others, what belongs here. @default "all" */
  readonly scope?: "all" | "foreign" | "local";
}
