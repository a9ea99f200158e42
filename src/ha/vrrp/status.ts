/** What a VRRP instance reports about itself: plain objects, for `uvs ha status`, metrics and tests. */
import type { FenceResult } from "../fencing/fencer.js";
import type { HandoverWord } from "../handover.js";
import type { TrackedStatus } from "../tracking/tracking.js";
import type { Counters } from "./counters.js";
import type { ElectionState, TransitionReason } from "./effects.js";
import type { PeerStatus } from "./peers.js";

/** The last change of state. */
export interface TransitionStatus {
  readonly from: ElectionState;
  readonly to: ElectionState;
  readonly reason: TransitionReason;
  /** ISO 8601. */
  readonly at: string;
}

/** One instance as it is now. */
export interface InstanceStatus {
  readonly name: string;
  readonly interface: string;
  readonly id: number;
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly state: ElectionState;
  /** ISO 8601: when it came into this state. */
  readonly since: string;
  readonly lastTransition?: TransitionStatus;
  /** A master that is stopping its resources before it goes. */
  readonly isLeaving: boolean;
  /** Effective priority, what it started from, and what was added. */
  readonly priority: number;
  readonly basePriority: number;
  readonly tracked: readonly TrackedStatus[];
  /** What it waits for before it takes over, in words; absent: nothing. */
  readonly waitsFor?: string;
  /** Why it cannot be master, in words. */
  readonly faults: readonly string[];
  readonly source?: string;
  readonly advertMs: number;
  /** Silence after which it takes over. */
  readonly downMs: number;
  /** Of a backup: the master it follows; of a master: the second master it heard last. */
  readonly master?: { readonly source: string; readonly priority: number; readonly heardMsAgo: number };
  readonly peers: readonly PeerStatus[];
  readonly addresses: readonly string[];
  readonly transitions: number;
  /** Of timers: the latest one ever, in milliseconds. */
  readonly maxLateMs: number;
  readonly counters: Readonly<Counters>;
}

/** What happens to an instance, for hooks, alerts and log. */
export type InstanceEvent =
  | {
      readonly kind: "transition";
      readonly instance: string;
      readonly from: ElectionState;
      readonly to: ElectionState;
      readonly reason: TransitionReason;
      readonly priority: number;
      /** Whether it was the last member of its sync group that was not in this state. */
      readonly settlesGroup: boolean;
    }
  | {
      readonly kind: "conflict";
      readonly instance: string;
      readonly source: string;
      readonly priority: number;
    }
  /** This director was master, has given its addresses up and said so: a peer may go on at once. */
  | ({ readonly kind: "left"; readonly instance: string } & HandoverWord)
  | { readonly kind: "stalled"; readonly instance: string; readonly lateMs: number }
  /** The lost master was fenced, or could not be; then nothing is taken. */
  | ({ readonly kind: "fencing"; readonly instance: string } & FenceResult);
