/** What a cluster's state machine asks for, and what it tells. */

/** State of another node. */
export type NodeState = "unknown" | "up" | "active" | "dead" | "left";

/** State of a group on this director. `claimed`: the others are asked to agree; `leaving`: it is being released. */
export type HoldState = "free" | "claimed" | "held" | "leaving";

/** Where fencing of a node stands. */
export type FenceState = "not needed" | "wanted" | "running" | "done";

/** What happened, for log, hooks and alerts. */
export type ClusterEvent =
  | {
      readonly kind: "node";
      readonly node: string;
      readonly from: NodeState;
      readonly to: NodeState;
      readonly reason: string;
    }
  | {
      readonly kind: "group";
      readonly group: string;
      readonly from: HoldState;
      readonly to: HoldState;
      readonly reason: string;
    }
  | {
      readonly kind: "quorum";
      readonly hasQuorum: boolean;
      readonly members: number;
      readonly nodes: number;
    }
  /** Another director holds a group that this one holds. */
  | {
      readonly kind: "conflict";
      readonly group: string;
      readonly node: string;
      readonly outcome: "stays here" | "goes";
    }
  | { readonly kind: "resolved"; readonly group: string }
  | { readonly kind: "late"; readonly node: string; readonly gapMs: number }
  | { readonly kind: "stalled"; readonly lateMs: number }
  | { readonly kind: "fencing"; readonly node: string; readonly state: FenceState };

/** What is to be done, in order. */
export type ClusterEffect =
  /** Send the report to everybody. */
  | { readonly do: "send" }
  /** Say that everything is released and that this director leaves. */
  | { readonly do: "farewell" }
  | { readonly do: "acquire"; readonly group: string }
  /** @param isUrgent another director may hold it: the addresses go at once */
  | { readonly do: "release"; readonly group: string; readonly isUrgent: boolean }
  | { readonly do: "announce"; readonly group: string }
  /** Fence a node, again and again until it is done. */
  | { readonly do: "fence"; readonly node: string }
  /** Do not go on with that: the node has come back, or somebody else has done it. */
  | { readonly do: "spare"; readonly node: string }
  | { readonly do: "tell"; readonly event: ClusterEvent };
