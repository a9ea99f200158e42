/**
 * How a group changes hands: the holder releases what belongs elsewhere and says to whom it is given; who it belongs to
 * claims what nobody holds, and acquires it when it may.
 */
import type { Acquisition } from "./acquisition.js";
import type { ClusterEffect } from "./effects.js";
import type { Holding } from "./holdings.js";
import type { Membership, MembershipSettings } from "./membership.js";
import { type Candidate, type PingRule, scoreOf } from "./placement.js";

/** What moves follow from. Times in milliseconds. */
export interface MoveSettings extends Pick<MembershipSettings, "node" | "noQuorum"> {
  readonly ping: PingRule;
  /** For so long another place must be the better one before a group that works is moved. */
  readonly dampenMs: number;
}

/** How this director stands. */
export interface Standing {
  readonly own: Candidate;
  /** Where the groups should be. */
  readonly places: ReadonlyMap<string, string>;
  /** Whether it gives everything up. */
  readonly isLeaving: boolean;
  /** Whether it has been here for long enough to acquire anything. */
  readonly isReady: boolean;
}

/** For so long a group that was given is left to whom it was given (hb_standby waits as long for an answer). */
const GIVE_MS = 10_000;

/** See the file's head. */
export class Moves {
  readonly #settings: MoveSettings;
  readonly #membership: Membership;
  readonly #acquisition: Acquisition;
  readonly #do: (effect: ClusterEffect) => void;

  constructor(
    settings: MoveSettings,
    membership: Membership,
    acquisition: Acquisition,
    onEffect: (effect: ClusterEffect) => void,
  ) {
    this.#settings = settings;
    this.#membership = membership;
    this.#acquisition = acquisition;
    this.#do = onEffect;
  }

  /** Releases what belongs elsewhere. @returns what is to be acquired */
  move(nowMs: number, holdings: readonly Holding[], standing: Standing): Holding[] {
    const { node, noQuorum } = this.#settings;
    const { own, places, isLeaving, isReady } = standing;
    const acquired: Holding[] = [];
    for (const holding of holdings) {
      const place = places.get(holding.name);
      this.#forgetGift(nowMs, holding);
      this.#acquisition.vote(holding);
      const mayBeHere = place === node && isReady && this.#acquisition.isSafe(holding.name);
      if (holding.state === "held") {
        if (isLeaving) this.#give(nowMs, holding, place, "this director is stopping");
        else if (noQuorum === "stop" && !this.#membership.hasQuorum)
          holding.release(true, "quorum was lost", this.#do);
        else if (place !== node) this.#leave(nowMs, holding, place, own);
        else holding.better = undefined;
      } else if (holding.state === "claimed" && !(mayBeHere && this.#acquisition.isBestClaim(holding))) {
        holding.become("free", "the claim is withdrawn", this.#do);
      } else if (holding.state === "free" && mayBeHere && this.#acquisition.mayClaim(holding)) {
        // Asks the others to agree.
        holding.sinceMs = nowMs;
        holding.become("claimed", this.#acquisition.whyFree(holding.name), this.#do);
      }
      if (holding.state === "claimed" && this.#acquisition.isElected(nowMs, holding, own.pings > 0)) {
        holding.give = undefined;
        holding.become("held", this.#acquisition.whyFree(holding.name), this.#do);
        acquired.push(holding);
      }
    }
    return acquired;
  }

  /** A group that is held here belongs to `place`, or to nobody. */
  #leave(nowMs: number, holding: Holding, place: string | undefined, own: Candidate): void {
    const { node, ping, dampenMs } = this.#settings;
    const { group, name, trouble } = holding;
    if (scoreOf(group, own, node, ping) < 0) {
      this.#give(nowMs, holding, place, trouble ?? this.#whyForbidden(holding));
      return;
    }
    if (place === undefined || !this.#membership.mayAct) return;
    if (this.#membership.get(place)?.report?.wants.includes(name)) {
      this.#give(nowMs, holding, place, `its operator wants it on ${place}`);
      return;
    }
    if (holding.better?.node !== place) holding.better = { node: place, sinceMs: nowMs };
    if (nowMs < holding.better.sinceMs + dampenMs) return;
    this.#give(nowMs, holding, place, `${place} is the better place`);
  }

  #whyForbidden({ group, isAway, isEnding }: Holding): string {
    const { node } = this.#settings;
    if (isEnding) return "its configuration has changed";
    if (isAway) return "put to standby by the operator";
    return (group.scores[node] ?? 0) < 0 ? "it must not be on this director" : "no ping node answers";
  }

  /** Releases in order, resources first, and says to whom it is given. */
  #give(nowMs: number, holding: Holding, place: string | undefined, reason: string): void {
    if (place !== undefined && place !== this.#settings.node) {
      holding.give = { node: place, untilMs: nowMs + GIVE_MS };
    }
    holding.release(false, reason, this.#do);
  }

  /** A gift is over when it was taken, cannot be taken, or was waited for in vain. */
  #forgetGift(nowMs: number, holding: Holding): void {
    const { give } = holding;
    if (give === undefined) return;
    const taker = this.#membership.get(give.node);
    const isTaken = taker?.keeps(holding.name) ?? false;
    const isRefused = !taker?.isActive || taker.report?.failed.includes(holding.name);
    if (isTaken || isRefused || nowMs >= give.untilMs) holding.give = undefined;
  }
}
