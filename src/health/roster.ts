/**
 * The realservers of a service, with sums over them. Something is heard of a few of them at a time: those are remembered, so
 * that one result among thousands of realservers costs no walk over all.
 */
import type { RealserverHealth } from "./realserver-health.js";

/** Sums over realservers. */
export interface Sums {
  /** How many are in service as far as the operator and the checks go. */
  readonly standing: number;
  /** How many of these are not ejected. */
  readonly usable: number;
  /** How many are ejected, standing or not. */
  readonly ejected: number;
  readonly configuredWeight: number;
  /** Weight of those that stand. Ejected ones count: passive marks must not cost the quorum. */
  readonly weightUp: number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The realservers of one service. */
export class Roster {
  readonly #servers = new Map<string, RealserverHealth>();
  readonly #stale = new Set<RealserverHealth>();
  /** Those that may add something else to the sums by now. */
  readonly #uncounted = new Set<RealserverHealth>();
  readonly #timed = new Set<RealserverHealth>();
  /** What each realserver has added to the sums. */
  readonly #shares = new Map<RealserverHealth, Sums>();
  readonly #sums: Writable<Sums> = { standing: 0, usable: 0, ejected: 0, configuredWeight: 0, weightUp: 0 };

  get size(): number {
    return this.#servers.size;
  }

  /** In the order in which they came. */
  all(): IterableIterator<RealserverHealth> {
    return this.#servers.values();
  }

  /** The realserver of a key (`realserverKey`), or undefined. */
  get(key: string): RealserverHealth | undefined {
    return this.#servers.get(key);
  }

  /** Those of which something was heard since `settle`. */
  stale(): Iterable<RealserverHealth> {
    return this.#stale;
  }

  /** Those that change by themselves. */
  timed(): Iterable<RealserverHealth> {
    return this.#timed;
  }

  /** As of this moment. */
  sums(): Sums {
    for (const server of this.#uncounted) {
      this.#uncount(server);
      const share = shareOf(server);
      this.#shares.set(server, share);
      this.#add(share, 1);
    }
    this.#uncounted.clear();
    return this.#sums;
  }

  /** Takes a realserver in, at the place of the one with its key if there is one. */
  put(server: RealserverHealth): void {
    this.#leave(this.#servers.get(server.key));
    this.#servers.set(server.key, server);
    this.touch(server);
  }

  /** Does nothing where there is no such realserver. */
  remove(key: string): void {
    this.#leave(this.#servers.get(key));
    this.#servers.delete(key);
  }

  /** Something was heard of a realserver of this service. */
  touch(server: RealserverHealth): void {
    this.#stale.add(server);
    this.#uncounted.add(server);
  }

  setTimed(server: RealserverHealth, isTimed: boolean): void {
    if (isTimed) this.#timed.add(server);
    else this.#timed.delete(server);
  }

  /** What was heard is taken in. */
  settle(): void {
    this.#stale.clear();
  }

  #leave(server: RealserverHealth | undefined): void {
    if (server === undefined) return;
    this.#stale.delete(server);
    this.#uncounted.delete(server);
    this.#timed.delete(server);
    this.#uncount(server);
  }

  #uncount(server: RealserverHealth): void {
    const share = this.#shares.get(server);
    if (share === undefined) return;
    this.#shares.delete(server);
    this.#add(share, -1);
  }

  #add(share: Sums, sign: 1 | -1): void {
    this.#sums.standing += sign * share.standing;
    this.#sums.usable += sign * share.usable;
    this.#sums.ejected += sign * share.ejected;
    this.#sums.configuredWeight += sign * share.configuredWeight;
    this.#sums.weightUp += sign * share.weightUp;
  }
}

function shareOf({ isStanding, isEjected, configuredWeight, askedWeight }: RealserverHealth): Sums {
  return {
    standing: isStanding ? 1 : 0,
    usable: isStanding && !isEjected ? 1 : 0,
    ejected: isEjected ? 1 : 0,
    configuredWeight,
    weightUp: isStanding ? askedWeight : 0,
  };
}
