/** High availability as it is configured: plain and cloneable, every default filled in, times in milliseconds. */
import type { Family } from "./address.js";
import type { SyncSettings } from "./sync-settings.js";

/** A floating address. */
export interface FloatingSettings {
  /** Canonical text. */
  readonly address: string;
  /** Length of the network's prefix. */
  readonly prefix: number;
  readonly interface: string;
  /** Broadcast address, or `+`: computed. IPv4 only. */
  readonly broadcast?: string;
  readonly scope?: "global" | "site" | "link" | "host";
  readonly label?: string;
  /** Whether advertisements name it; false is keepalived's virtual_ipaddress_excluded. */
  readonly isAdvertised: boolean;
}

/** A program with its arguments. */
export interface HaCommand {
  /** Absolute path. */
  readonly path: string;
  readonly args: readonly string[];
}

/** Whom to tell of changes of state. */
export interface HaNotifySettings {
  readonly master?: HaCommand;
  readonly backup?: HaCommand;
  readonly fault?: HaCommand;
  readonly stop?: HaCommand;
  /** A second, worse master was heard, and this director has stayed. */
  readonly conflict?: HaCommand;
  /** For every state, with `INSTANCE|GROUP NAME STATE PRIORITY` behind its arguments. */
  readonly any?: HaCommand;
  /** URLs that every change is posted to as JSON. */
  readonly webhooks: readonly string[];
  /** Of one script or request. */
  readonly timeoutMs: number;
}

interface ResourceTimes {
  /** Between two looks whether it still runs; 0: none. */
  readonly monitorMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** Something that is started after the addresses came and stopped before they go. */
export type HaResourceSettings =
  | (ResourceTimes & { readonly kind: "lsb"; readonly path: string; readonly args: readonly string[] })
  | (ResourceTimes & {
      readonly kind: "ocf";
      readonly provider: string;
      readonly type: string;
      readonly instance?: string;
      readonly parameters: Readonly<Record<string, string>>;
    })
  | (ResourceTimes & { readonly kind: "systemd"; readonly unit: string });

/** How floating addresses are announced. */
export interface HaAnnounceSettings {
  /** Frames of a burst. */
  readonly repeat: number;
  /** From the first burst to the second; 0: no second one. */
  readonly delayMs: number;
  /** Between single ones in the long run; 0: none. */
  readonly refreshMs: number;
}

/** What failures of a group's resources lead to. */
export interface HaRecoverySettings {
  /** Failures of one resource that are answered by a restart; one more, and the group leaves. */
  readonly restarts: number;
  /** How long the group stays away then; 0: until the operator clears it. */
  readonly retryMs: number;
  /** How long resources may take to stop before the addresses go all the same. */
  readonly releaseMs: number;
}

/** Something that a virtual router watches. */
export interface HaTrackSettings {
  readonly kind: "interface" | "script" | "service";
  /** Interface, script, or key of a service. */
  readonly name: string;
  /** 0: a failure is a fault. Above 0: added while it works; below 0: added while it has failed. */
  readonly weight: number;
  /** Exchanges working and failed. */
  readonly reverse: boolean;
}

/** A peer of unicast mode. */
export interface VrrpPeerSettings {
  readonly address: string;
  /** Accepted TTLs. */
  readonly minTtl: number;
  readonly maxTtl: number;
}

/** keepalived's `auth_hmac`. */
export interface VrrpHmacSettings {
  /** Keys of 32 to 64 bytes: text, or hexadecimal after `0x`. */
  readonly keys: readonly { readonly id: number; readonly key: string }[];
  /** Id of the key that signs. */
  readonly activeKey: number;
  readonly mode: "enforce" | "permissive" | "receive-only";
  /** How far a sender's clock may be from ours. */
  readonly windowMs: number;
}

/** One virtual router and what it moves. */
export interface VrrpRouterSettings {
  readonly name: string;
  readonly interface: string;
  readonly id: number;
  readonly version: 2 | 3;
  readonly family: Family;
  readonly priority: number;
  readonly advertMs: number;
  /** Those of `HaSettings.floating` that it moves. */
  readonly floating: readonly string[];
  readonly source?: string;
  readonly unicast?: { readonly peers: readonly VrrpPeerSettings[]; readonly ttl: number };
  readonly password?: string;
  readonly hmac?: VrrpHmacSettings;
  readonly checksum: "pseudo-header" | "message-only";
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly deadAdverts: number;
  readonly startupDelayMs: number;
  readonly lastAdvert: boolean;
  readonly track: readonly HaTrackSettings[];
  readonly announce: HaAnnounceSettings;
  readonly resources: readonly HaResourceSettings[];
  readonly recovery: HaRecoverySettings;
  readonly notify: HaNotifySettings;
}

/** A script that is run again and again, and tracked by virtual routers. */
export interface HaScriptSettings {
  readonly name: string;
  readonly command: HaCommand;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row that make it work, failures in a row that make it fail. */
  readonly rise: number;
  readonly fall: number;
}

/** Virtual routers that are masters together or not at all. */
export interface HaSyncGroupSettings {
  readonly name: string;
  /** Names of virtual routers. */
  readonly members: readonly string[];
  readonly notify: HaNotifySettings;
}

/** A path that a cluster's messages take. */
export type HeartbeatLinkSettings =
  | {
      readonly kind: "ucast";
      readonly interface: string;
      readonly peers: readonly string[];
      readonly source?: string;
    }
  | { readonly kind: "bcast"; readonly interface: string }
  | { readonly kind: "mcast"; readonly interface: string; readonly group: string; readonly ttl: number };

/** A group of a cluster, and where it is wanted. */
export interface HeartbeatGroupSettings {
  readonly name: string;
  readonly preferred?: string;
  /** By node, -1 000 000 to 1 000 000. */
  readonly scores: Readonly<Record<string, number>>;
  readonly stickiness?: number;
  /** Those of `HaSettings.floating` that it moves. */
  readonly floating: readonly string[];
  readonly announce: HaAnnounceSettings;
  readonly resources: readonly HaResourceSettings[];
  readonly recovery: HaRecoverySettings;
  readonly notify: HaNotifySettings;
}

/** How a node is fenced. */
export interface HeartbeatFenceSettings {
  readonly node: string;
  /** Run with the action and the node behind its arguments. */
  readonly command: HaCommand;
  readonly action: "off" | "reset";
  readonly timeoutMs: number;
  readonly retryMs: number;
  readonly delayMs: number;
}

/** How a director is fenced that was master of a virtual router. */
export interface HaFenceSettings extends HeartbeatFenceSettings {
  /** Addresses that it advertises from, canonical. */
  readonly addresses: readonly string[];
}

/** A cluster in the manner of Linux-HA. */
export interface HaHeartbeatSettings {
  /** This director's own name. */
  readonly node: string;
  readonly nodes: readonly string[];
  readonly links: readonly HeartbeatLinkSettings[];
  readonly port: number;
  /** Path of the shared keys. */
  readonly keyFile: string;
  /** Path of the number of the last start. */
  readonly generationFile: string;
  readonly keepaliveMs: number;
  readonly deadMs: number;
  readonly warnMs: number;
  readonly initDeadMs: number;
  readonly autoFailback: boolean;
  readonly noQuorum: "stop" | "freeze" | "ignore";
  readonly pingBreaksTie: boolean;
  readonly dampenMs: number;
  readonly encoding: "netstring" | "classic";
  readonly ping: {
    readonly targets: readonly { readonly name: string; readonly hosts: readonly string[] }[];
    readonly deadMs: number;
    readonly multiplier: number;
    readonly isRequired: boolean;
  };
  readonly groups: readonly HeartbeatGroupSettings[];
  readonly fencing: readonly HeartbeatFenceSettings[];
}

/** All of high availability. */
export interface HaSettings {
  readonly floating: readonly FloatingSettings[];
  readonly vrrp: readonly VrrpRouterSettings[];
  /** Instead of virtual routers. */
  readonly heartbeat?: HaHeartbeatSettings;
  readonly scripts: readonly HaScriptSettings[];
  readonly syncGroups: readonly HaSyncGroupSettings[];
  /** Of virtual routers; a cluster has its own. */
  readonly fencing: readonly HaFenceSettings[];
  /** The link between directors; absent: they share nothing. */
  readonly sync?: SyncSettings;
}

/** Whether there is anything that moves addresses; the link between directors alone does not. */
export function movesAddresses({ sync: _, ...rest }: HaSettings): boolean {
  return Object.values(rest).some((value) => (Array.isArray(value) ? value.length > 0 : value !== undefined));
}
