/**
 * A resource group: floating addresses, then resources from left to right; given up in reverse. The addresses never wait
 * for a resource when they are taken, nor when somebody else has them; when the group is given up in order they wait for the
 * resources, but not for ever.
 */
import type { Logger } from "../../core/logger.js";
import type { LinkSnapshot } from "../links/link-watch.js";
import type { CancelTimer, Timers } from "../timers.js";
import type { FloatingAddresses } from "./floating-addresses.js";
import type { Holder } from "./holder.js";
import type { ResourceRunner, RunnerState } from "./runner.js";

/** What can be chosen of a group. */
export interface GroupSettings {
  /** How long resources may take to stop before the addresses go all the same. @default 10 s */
  readonly releaseMs?: number;
  /** After a failure the group stays away for so long; 0: until the operator says otherwise. @default 60 s */
  readonly retryMs?: number;
}

/** What a group is made of. */
export interface GroupParts {
  readonly addresses: FloatingAddresses;
  readonly runner: ResourceRunner;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The group cannot be here: why, or undefined when that is over. */
  readonly onTrouble: (reason: string | undefined) => void;
}

/** A group as it is now. */
export interface GroupStatus {
  readonly state: RunnerState;
  readonly holdsAddresses: boolean;
  readonly trouble?: string;
}

const RELEASE_MS = 10_000;
const RETRY_MS = 60_000;
/**
 * From a better master's word to the end of the addresses here, unless it says before that it has announced them: until then
 * clients come here (bench/ha: failback, a partition heals). Others than ours, such as keepalived, say nothing, but add and
 * announce them within a millisecond.
 */
const YIELD_GRACE_MS = 2;

/** See the file's head. */
export class ResourceGroup implements Holder {
  readonly #settings: Required<GroupSettings>;
  readonly #parts: GroupParts;
  /** Grows with every wish, so that what is overtaken can be seen. */
  #wish = 0;
  #trouble: string | undefined;
  #cancelRetry: CancelTimer = () => {};

  constructor(settings: GroupSettings, parts: GroupParts) {
    this.#settings = { releaseMs: RELEASE_MS, retryMs: RETRY_MS, ...settings };
    this.#parts = parts;
  }

  acquire(isAnnouncedLater = false): void {
    const wish = ++this.#wish;
    const { addresses, runner } = this.#parts;
    // Resources and failures come after all that the election wants done now.
    void Promise.resolve(addresses.take(isAnnouncedLater)).then((failure) => {
      if (wish !== this.#wish) return;
      if (failure === undefined) runner.start();
      else this.fail(failure);
    });
  }

  async release(isUrgent: boolean): Promise<void> {
    const wish = ++this.#wish;
    const { addresses, runner, logger } = this.#parts;
    // What resources there are stop while the time runs that is left to clients.
    const dropped = isUrgent ? addresses.drop(YIELD_GRACE_MS) : undefined;
    const stopped = runner.stop();
    if (!isUrgent) {
      const isStopped = await this.#within(stopped, this.#settings.releaseMs);
      if (wish !== this.#wish) return;
      if (!isStopped)
        logger.error({}, "resources do not stop in time; the addresses are given up before them");
    }
    const failure = await (dropped ?? addresses.drop());
    if (failure !== undefined) logger.error({}, `two directors may have an address: ${failure}`);
  }

  hasten(): void {
    this.#parts.addresses.hasten();
  }

  rehearse(): void {
    this.#parts.addresses.rehearse(YIELD_GRACE_MS);
  }

  announce(): void {
    this.#parts.addresses.announce();
  }

  /** Settles when all resources are stopped, also those that are stopped after the addresses went. */
  stopped(): Promise<void> {
    return this.#parts.runner.stop();
  }

  /** Leaves everything as it is, for another group that goes on with it. */
  surrender(): void {
    this.#wish++;
    this.#cancelRetry();
    this.#parts.addresses.surrender();
    this.#parts.runner.surrender();
  }

  /** The interfaces have changed. */
  check(snapshot: LinkSnapshot): void {
    this.#parts.addresses.check(snapshot);
  }

  /** The group cannot be here. The election is told, and will want it released. */
  fail(reason: string): void {
    this.#parts.logger.error({}, `the group cannot be on this director: ${reason}`);
    this.#setTrouble(reason);
    this.#cancelRetry();
    if (this.#settings.retryMs === 0) return;
    this.#cancelRetry = this.#parts.timers.after(this.#settings.retryMs, () => this.clear());
  }

  /** Forgets the failure: the group may come here again. */
  clear(): void {
    this.#cancelRetry();
    this.#setTrouble(undefined);
  }

  status(): GroupStatus {
    const { addresses, runner } = this.#parts;
    return {
      state: runner.state,
      holdsAddresses: addresses.isHeld,
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    };
  }

  #setTrouble(reason: string | undefined): void {
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    this.#parts.onTrouble(reason);
  }

  /** @returns whether the promise settled in time */
  async #within(work: Promise<void>, limitMs: number): Promise<boolean> {
    let cancel: CancelTimer = () => {};
    const limit = new Promise<false>((resolve) => {
      cancel = this.#parts.timers.after(limitMs, () => resolve(false));
    });
    const isInTime = await Promise.race([work.then(() => true as const), limit]);
    cancel();
    return isInTime;
  }
}
