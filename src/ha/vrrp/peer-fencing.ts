/**
 * Fencing of directors that were masters of virtual routers and fell silent (reference: ha.md §10.4). All virtual routers of
 * this director share it: who waits for the same director, or for another of its addresses, waits for the same command.
 */
import { isDeepStrictEqual } from "node:util";
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import { type FenceResult, Fencer, type FenceSettings } from "../fencing/fencer.js";
import type { Timers } from "../timers.js";
import type { LostMaster } from "./last-master.js";

/** How one director is fenced. */
export interface PeerFenceSettings extends FenceSettings {
  /** What the command calls it. */
  readonly node: string;
  /** Addresses that it advertises from, canonical. */
  readonly addresses: readonly string[];
}

/** What fencing is made of. */
export interface PeerFencingParts {
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told of every attempt, and who waits for it. */
  readonly onResult: (result: FenceResult, waiting: ReadonlySet<string>) => void;
}

/** A director that is being fenced. */
interface Run {
  /** Names of those who wait for it. */
  readonly waiting: Set<string>;
  attempt: number;
  /** Of the attempt before. */
  failure: string | undefined;
}

/** @throws UvsError INVALID where two entries mean the same director */
export function checkFencing(fencing: readonly PeerFenceSettings[]): void {
  const seen = new Set<string>();
  for (const { node, addresses } of fencing) {
    for (const name of new Set([node, ...addresses])) {
      if (seen.has(name)) {
        throw new UvsError("INVALID", `fencing: found ${name} twice, accepted is each director once`, {
          side: "config",
          details: { where: "fencing", found: name },
        });
      }
      seen.add(name);
    }
  }
}

/** See the file's head. Who waits is called by a name, which a successor after a reload shares. */
export class PeerFencing {
  readonly #parts: PeerFencingParts;
  readonly #fencer: Fencer;
  #settings: readonly PeerFenceSettings[];
  readonly #runs = new Map<string, Run>();
  /** By node. */
  readonly #fencedMs = new Map<string, number>();

  /** @throws UvsError as `checkFencing` */
  constructor(settings: readonly PeerFenceSettings[], parts: PeerFencingParts) {
    checkFencing(settings);
    this.#settings = settings;
    this.#parts = parts;
    const { timers, logger } = parts;
    this.#fencer = new Fencer(byNode(settings), {
      timers,
      logger,
      onResult: (result) => this.#ended(result),
    });
  }

  /** Whether any director is ever fenced. */
  get isConfigured(): boolean {
    return this.#settings.length > 0;
  }

  /**
   * Goes on with other settings. What is the same in both is not disturbed.
   * @param waiters names of all who may wait from now on
   * @returns whether the settings differ
   */
  change(settings: readonly PeerFenceSettings[], waiters: ReadonlySet<string>): boolean {
    for (const { waiting } of [...this.#runs.values()]) {
      for (const waiter of waiting) if (!waiters.has(waiter)) this.spare(waiter);
    }
    const before = this.#settings;
    if (isDeepStrictEqual(before, settings)) return false;
    checkFencing(settings);
    this.#settings = settings;
    for (const node of [...this.#runs.keys()]) {
      const ofNode = (entry: PeerFenceSettings): boolean => entry.node === node;
      if (!isDeepStrictEqual(before.find(ofNode), settings.find(ofNode))) this.#end(node);
    }
    this.#fencer.change(byNode(settings));
    return true;
  }

  /** Ends everything. */
  stop(): void {
    this.#fencer.stop();
    this.#runs.clear();
  }

  /** The node that has to be fenced before what a lost master held is taken; undefined: none, or it is fenced already. */
  nodeToFence({ source, heardMs }: LostMaster): string | undefined {
    const node = this.#settings.find(({ addresses }) => addresses.includes(source))?.node;
    if (node === undefined || (this.#fencedMs.get(node) ?? Number.NEGATIVE_INFINITY) >= heardMs)
      return undefined;
    return node;
  }

  /** Fences a node, again and again until it is done or nobody waits for it. */
  fence(node: string, waiter: string): void {
    const run = this.#runs.get(node) ?? { waiting: new Set(), attempt: 1, failure: undefined };
    run.waiting.add(waiter);
    if (this.#runs.has(node)) return;
    this.#runs.set(node, run);
    this.#fencer.fence(node);
  }

  /** Somebody waits no longer: a master is heard, or it has become one, or must not. */
  spare(waiter: string): void {
    for (const [node, { waiting }] of this.#runs) {
      if (!waiting.delete(waiter) || waiting.size > 0) continue;
      this.#parts.logger.warn({ node }, `${node} is not fenced any more: nothing waits for it`);
      this.#end(node);
    }
  }

  /** What somebody waits for; undefined: nothing. */
  words(waiter: string): string | undefined {
    const all = [...this.#runs].flatMap(([node, { waiting, attempt, failure }]) => {
      if (!waiting.has(waiter)) return [];
      const before = failure === undefined ? "" : ` (the last one failed: ${failure})`;
      return [`fencing ${node}, attempt ${attempt}${before}`];
    });
    return all.length > 0 ? all.join("; ") : undefined;
  }

  #end(node: string): void {
    this.#runs.delete(node);
    this.#fencer.spare(node);
  }

  #ended(result: FenceResult): void {
    const { node, isDone, reason, attempt } = result;
    const run = this.#runs.get(node);
    if (run === undefined) return;
    run.attempt = attempt + 1;
    run.failure = reason;
    if (isDone) {
      this.#fencedMs.set(node, this.#parts.timers.nowMs());
      this.#runs.delete(node);
    }
    this.#parts.onResult(result, run.waiting);
  }
}

function byNode(settings: readonly PeerFenceSettings[]): Record<string, FenceSettings> {
  return Object.fromEntries(settings.map(({ node, addresses: _, ...fence }) => [node, fence]));
}
