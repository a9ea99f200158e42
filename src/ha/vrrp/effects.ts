/** What an election wants done. The order of a list is the order of doing. */

/** States of an instance; RFC 9568 says Active for MASTER, FAULT is keepalived's. */
export type ElectionState = "INIT" | "BACKUP" | "MASTER" | "FAULT";

/** Why a state changed, for status and log. */
export type TransitionReason =
  | "started"
  | "started as the owner of the addresses"
  | "started with a fault"
  | "no master was heard"
  | "the lost master is fenced"
  | "the master has left"
  | "a better master advertises"
  | "another master advertised while this director was stalled"
  | "a fault"
  | "all faults are gone"
  | "stopped"
  | "the sync group became master"
  | "the sync group left master"
  | "taken over by the operator"
  | "the master has handed over"
  | "its configuration has changed";

/** One thing to do. */
export type Effect =
  /** Send an advertisement with this priority now. */
  | { readonly do: "advertise"; readonly priority: number }
  /** Take the resource group: addresses, announcements, resources. */
  | { readonly do: "acquire"; readonly isAnnouncedLater?: boolean }
  /**
   * Give the resource group up. Urgent: the addresses first, as somebody else has them or nobody can use them here; else
   * the resources first, in reverse order. `released` of the election wants to be called afterwards.
   */
  | { readonly do: "release"; readonly isUrgent: boolean }
  /** Who has them now has announced them: a release that is under way leaves clients no more time. */
  | { readonly do: "hasten" }
  /** Announce the addresses again: another director may have announced them meanwhile. */
  | { readonly do: "announce" }
  | {
      readonly do: "report";
      readonly from: ElectionState;
      readonly to: ElectionState;
      readonly reason: TransitionReason;
    }
  /** A second master was heard, and we stay. */
  | { readonly do: "conflict"; readonly source: string; readonly priority: number }
  /** Fence the master that was lost. `fenced` of the election wants to be called when that is done, and not before. */
  | { readonly do: "fence" }
  /** A timer came so late that others must have taken over meanwhile. */
  | { readonly do: "stalled"; readonly lateMs: number };
