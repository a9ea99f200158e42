/** What one instance has to do with fencing: who has to be fenced before it becomes master, and that it waits for that. */
import type { LostMaster } from "./last-master.js";
import type { PeerFencing } from "./peer-fencing.js";
import type { SyncGroup } from "./sync-group.js";

/** Whose waiting it is. */
export interface FenceWaitParts {
  readonly name: string;
  /** Absent: nobody is ever fenced. */
  readonly fencing?: PeerFencing;
  readonly syncGroup?: SyncGroup;
  /** The master that fell silent without a word. */
  readonly lost: () => LostMaster | undefined;
}

/** See the file's head. */
export class FenceWait {
  readonly #parts: FenceWaitParts;
  /** By which name it waits: a sync group waits as one. */
  readonly waiter: string;

  constructor(parts: FenceWaitParts) {
    const { name, syncGroup } = parts;
    this.#parts = parts;
    this.waiter = syncGroup === undefined ? `instance ${name}` : `group ${syncGroup.name}`;
  }

  /** Whether any director is ever fenced. */
  get isConfigured(): boolean {
    return this.#parts.fencing?.isConfigured ?? false;
  }

  /** The node that this instance has lost as its master and that has to be fenced first. */
  get unfenced(): string | undefined {
    const { fencing, lost } = this.#parts;
    const master = lost();
    return master && fencing?.nodeToFence(master);
  }

  /** What it waits for, in words; undefined: nothing. */
  get words(): string | undefined {
    return this.#parts.fencing?.words(this.waiter);
  }

  /** Whether somebody has to be fenced, here or in the sync group. */
  mustFence(): boolean {
    return this.#all().length > 0;
  }

  /** Fences all of them. */
  begin(): void {
    for (const node of this.#all()) this.#parts.fencing?.fence(node, this.waiter);
  }

  /** Waits no longer. */
  end(): void {
    this.#parts.fencing?.spare(this.waiter);
  }

  #all(): readonly string[] {
    const { syncGroup } = this.#parts;
    if (syncGroup !== undefined) return syncGroup.unfenced;
    const { unfenced } = this;
    return unfenced === undefined ? [] : [unfenced];
  }
}
