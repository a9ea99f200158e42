/**
 * Handing mastership over between directors that know one another: a master that leaves says "now" to the best of its
 * peers, once its addresses are off, and that one needs not wait for its Skew_Time. Nothing depends on it: the peers, known
 * or not, hear the priority 0 of VRRP as well, and take over as they always do if the word does not arrive.
 */
import { compareAddresses } from "./address-bytes.js";

/** A virtual router; on all directors of a network it is the same one. */
export interface RouterName {
  readonly id: number;
  readonly family: 4 | 6;
}

/** How a director stands with one virtual router. */
export interface RouterStanding extends RouterName {
  readonly state: "INIT" | "BACKUP" | "MASTER" | "FAULT";
  readonly priority: number;
  /** The address that it advertises from; empty where it has none. */
  readonly source: string;
}

/** The word of a master that has left. */
export interface HandoverWord extends RouterName {
  /** The address that it advertised from. */
  readonly source: string;
}

/** What all peers have said of their routers, and who of them is to be master. */
export class Candidates {
  readonly #standings = new Map<string, readonly RouterStanding[]>();

  /** A peer has said how it stands. */
  set(peer: string, standings: readonly RouterStanding[]): void {
    this.#standings.set(peer, standings);
  }

  /** Nothing is known of the peer any longer. */
  forget(peer: string): void {
    this.#standings.delete(peer);
  }

  /** The peer that would win the election of a router; undefined: nobody that is known stands ready. */
  best(router: RouterName): string | undefined {
    let best: { peer: string; standing: RouterStanding } | undefined;
    for (const [peer, standings] of this.#standings) {
      const standing = standings.find(({ id, family }) => id === router.id && family === router.family);
      if (standing?.state !== "BACKUP") continue;
      if (best === undefined || isBetter(standing, best.standing)) best = { peer, standing };
    }
    return best?.peer;
  }
}

function isBetter(one: RouterStanding, other: RouterStanding): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  return one.source !== "" && (other.source === "" || compareAddresses(one.source, other.source) > 0);
}
