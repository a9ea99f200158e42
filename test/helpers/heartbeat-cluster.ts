/**
 * A heartbeat cluster in memory: state machines, a network with a delay that can be cut, and addresses that take time to
 * remove. Time moves only when the test says so. Every moment at which two directors had the same group is written down.
 */
import { Cluster, type ClusterSettings } from "../../src/ha/heartbeat/cluster.js";
import type { ClusterEffect, ClusterEvent } from "../../src/ha/heartbeat/effects.js";
import type { PlacedGroup } from "../../src/ha/heartbeat/placement.js";
import { readStatus, statusFields } from "../../src/ha/heartbeat/report.js";

const DELAY_MS = 1;
const RELEASE_MS = 5;

/** One director of it. */
export interface SimulatedDirector {
  readonly name: string;
  cluster: Cluster;
  isRunning: boolean;
  isStalled: boolean;
  hasRestarted: boolean;
  readonly events: ClusterEvent[];
  /** What it was told to do, `send` left out. */
  readonly actions: string[];
}

interface Pending {
  readonly atMs: number;
  readonly to: string;
  readonly run: () => void;
}

/** Settings where the test chooses nothing else: keepalive 100 ms, deadtime 1 s, three nodes, one group that prefers `a`. */
export function clusterSettings(node: string, changes: Partial<ClusterSettings> = {}): ClusterSettings {
  const nodes = changes.nodes ?? ["a", "b", "c"];
  return {
    node,
    nodes,
    keepaliveMs: 100,
    deadMs: 1000,
    warnMs: 500,
    initDeadMs: 3000,
    noQuorum: nodes.length === 2 ? "ignore" : "stop",
    tieBreaker: nodes.length === 2 ? "pair" : "none",
    ping: { multiplier: 10_000, isRequired: false },
    dampenMs: 200,
    groups: [placedGroup("web", "a")],
    fenceable: new Set(),
    configuration: "1",
    ...changes,
  };
}

/** A group that prefers a node. */
export function placedGroup(name: string, preferred?: string, stickiness = 0): PlacedGroup {
  return {
    name,
    stickiness,
    ...(preferred !== undefined && { preferred }),
    scores: preferred === undefined ? {} : { [preferred]: 100 },
  };
}

/** See the file's head. */
export class SimulatedCluster {
  nowMs = 0;
  readonly directors = new Map<string, SimulatedDirector>();
  /** `TIME GROUP: A B`. */
  readonly overlaps: string[] = [];
  /** Nodes that were told to be fenced, by whom: `a fences b`. */
  readonly fences: string[] = [];
  readonly #settings: Partial<ClusterSettings>;
  readonly #holders = new Map<string, Set<string>>();
  readonly #cuts = new Set<string>();
  #pending: Pending[] = [];

  constructor(settings: Partial<ClusterSettings> = {}) {
    this.#settings = settings;
    for (const name of settings.nodes ?? ["a", "b", "c"]) {
      this.directors.set(name, {
        name,
        cluster: new Cluster(clusterSettings(name, settings)),
        isRunning: false,
        isStalled: false,
        hasRestarted: false,
        events: [],
        actions: [],
      });
    }
  }

  director(name: string): SimulatedDirector {
    const found = this.directors.get(name);
    if (found === undefined) throw new Error(`no director ${name}`);
    return found;
  }

  /** Starts directors, all of them by default. */
  start(...names: string[]): void {
    for (const name of names.length > 0 ? names : this.directors.keys()) {
      const director = this.director(name);
      director.isRunning = true;
      this.#perform(director, director.cluster.start(this.nowMs));
    }
  }

  /** Lets a director do something. */
  on(name: string, act: (cluster: Cluster, nowMs: number) => ClusterEffect[]): void {
    const director = this.director(name);
    this.#perform(director, act(director.cluster, this.nowMs));
  }

  /** The host is gone, with its addresses. */
  crash(name: string): void {
    this.director(name).isRunning = false;
    for (const holders of this.#holders.values()) holders.delete(name);
    this.#pending = this.#pending.filter(({ to }) => to !== name);
  }

  /** Starts it again after a crash or a stop, with nothing held. */
  restart(name: string): void {
    const director = this.director(name);
    director.cluster = new Cluster(clusterSettings(name, this.#settings));
    director.hasRestarted = true;
    this.start(name);
  }

  /** The process stands still; packets wait. */
  stall(name: string, isStalled: boolean): void {
    this.director(name).isStalled = isStalled;
  }

  /** Cuts or mends what `from` sends to `to`. */
  cutOneWay(from: string, to: string, isCut = true): void {
    if (isCut) this.#cuts.add(`${from} ${to}`);
    else this.#cuts.delete(`${from} ${to}`);
  }

  /** Cuts or mends everything between two sides. */
  cut(side: readonly string[], other: readonly string[], isCut = true): void {
    for (const a of side) {
      for (const b of other) {
        this.cutOneWay(a, b, isCut);
        this.cutOneWay(b, a, isCut);
      }
    }
  }

  /** Who has a group's addresses. */
  holders(group = "web"): string[] {
    return [...(this.#holders.get(group) ?? [])].sort();
  }

  /** Moves the time on. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }

  /** Moves the time on until it holds, in steps of a millisecond. */
  until(what: string, condition: () => boolean, limitMs = 20_000): void {
    const endMs = this.nowMs + limitMs;
    while (!condition()) {
      if (this.nowMs >= endMs) throw new Error(`${what}: not within ${limitMs} ms`);
      this.advance(1);
    }
  }

  #next(): { atMs: number; run: () => void } | undefined {
    let first: { atMs: number; run: () => void } | undefined;
    for (const item of this.#pending) {
      if (this.#director(item.to)?.isStalled || (first !== undefined && item.atMs >= first.atMs)) continue;
      first = {
        atMs: item.atMs,
        run: () => {
          this.#pending.splice(this.#pending.indexOf(item), 1);
          item.run();
        },
      };
    }
    for (const director of this.directors.values()) {
      const atMs = director.cluster.deadlineMs;
      if (!director.isRunning || director.isStalled || atMs === undefined) continue;
      if (first !== undefined && atMs >= first.atMs) continue;
      first = {
        atMs,
        run: () => this.#perform(director, director.cluster.timer(this.nowMs)),
      };
    }
    return first;
  }

  #director(name: string): SimulatedDirector | undefined {
    return this.directors.get(name);
  }

  #perform(director: SimulatedDirector, effects: readonly ClusterEffect[]): void {
    for (const effect of effects) {
      if (effect.do === "send") this.#send(director);
      else if (effect.do === "tell") director.events.push(effect.event);
      else {
        director.actions.push(
          [effect.do, "group" in effect ? effect.group : "node" in effect ? effect.node : ""]
            .join(" ")
            .trim(),
        );
        this.#carryOut(director, effect);
      }
    }
  }

  #carryOut(director: SimulatedDirector, effect: ClusterEffect): void {
    const { name } = director;
    if (effect.do === "acquire") {
      const holders = this.#holders.get(effect.group) ?? new Set();
      this.#holders.set(effect.group, holders.add(name));
      if (holders.size > 1) this.overlaps.push(`${this.nowMs} ${effect.group}: ${[...holders].join(" ")}`);
    } else if (effect.do === "release") {
      this.#later(effect.isUrgent ? 1 : RELEASE_MS, name, () => {
        this.#holders.get(effect.group)?.delete(name);
        this.#perform(director, director.cluster.released(this.nowMs, effect.group));
      });
    } else if (effect.do === "fence") this.fences.push(`${name} fences ${effect.node}`);
    else if (effect.do === "farewell") {
      this.#deliver(director, (cluster) => cluster.heard(this.nowMs, name, { kind: "shutdone" }));
      director.isRunning = false;
    }
  }

  #send(director: SimulatedDirector): void {
    // As it goes over the wire.
    const report = readStatus(statusFields(director.cluster.report(this.nowMs)));
    if (report === undefined) throw new Error("a report does not survive its encoding");
    const { hasRestarted: isRestart } = director;
    director.hasRestarted = false;
    this.#deliver(director, (cluster) =>
      cluster.heard(this.nowMs, director.name, { kind: "status", report, isRestart }),
    );
  }

  #deliver(from: SimulatedDirector, act: (cluster: Cluster) => ClusterEffect[]): void {
    for (const to of this.directors.values()) {
      if (to === from || this.#cuts.has(`${from.name} ${to.name}`)) continue;
      this.#later(DELAY_MS, to.name, () => {
        if (to.isRunning) this.#perform(to, act(to.cluster));
      });
    }
  }

  #later(delayMs: number, to: string, run: () => void): void {
    this.#pending.push({ atMs: this.nowMs + delayMs, to, run });
  }
}
