/**
 * Instances that are masters together or not at all (keepalived's vrrp_sync_group), such as the outer and the inner address
 * of a director. A member becomes master when every member's down timer has run out; then all do. When one yields, all
 * yield; when one has a fault, all have.
 */
import { SYNC_FAULT } from "./faults.js";

/** What a sync group needs of an instance. */
export interface SyncMember {
  readonly name: string;
  readonly state: string;
  /** Whether it is master, or would be if the group agreed. */
  readonly isReady: boolean;
  readonly ownFaults: readonly string[];
  readonly fencing: { readonly unfenced: string | undefined };
  forceMaster(reason: "the sync group became master"): void;
  forceBackup(): void;
  setFault(key: string, words: string | undefined): void;
}

/** See the file's head. */
export class SyncGroup {
  readonly name: string;
  readonly #members: SyncMember[] = [];
  #isPropagating = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a member; all join before any starts. */
  join(member: SyncMember): void {
    this.#members.push(member);
  }

  /** Takes a member out. */
  leave(member: SyncMember): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
  }

  /** Whether all members but this one would be master. */
  isReadyBut(member: SyncMember): boolean {
    return this.#members.every((other) => other === member || other.isReady);
  }

  /** The nodes that have to be fenced before any member becomes master. */
  get unfenced(): string[] {
    return [...new Set(this.#members.flatMap((member) => member.fencing.unfenced ?? []))];
  }

  /** Whether all members are in this state: the group as a whole is. */
  isSettled(state: string): boolean {
    return this.#members.every((member) => member.state === state);
  }

  /** A member has become master. */
  becameMaster(member: SyncMember): void {
    for (const other of this.#others(member)) other.forceMaster("the sync group became master");
  }

  /** A member is not master any more. */
  leftMaster(member: SyncMember): void {
    for (const other of this.#others(member)) other.forceBackup();
  }

  /** A member's faults have changed. */
  faultsChanged(): void {
    if (this.#isPropagating) return;
    this.#isPropagating = true;
    try {
      for (const member of this.#members) {
        const found = this.#others(member).flatMap(({ name, ownFaults }) =>
          ownFaults.map((words) => `${name}: ${words}`),
        );
        member.setFault(SYNC_FAULT, found.length > 0 ? found.join("; ") : undefined);
      }
    } finally {
      this.#isPropagating = false;
    }
  }

  #others(member: SyncMember): SyncMember[] {
    return this.#members.filter((other) => other !== member);
  }
}
