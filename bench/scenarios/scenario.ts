/** A scenario measures one peer once; `rounds.ts` decides when, `report/` what is made of it. */
import type { LoadTool } from "../load/load.js";
import type { Peer, RunningPeer } from "../peers/peer.js";
import type { RealserverKind } from "../realserver/realserver.js";
import type { Processes } from "../system/processes.js";

/** How long and how much: the quick or the full profile. */
export interface Profile {
  readonly name: "full" | "quick";
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What a measurement may use. */
export interface Bench {
  readonly processes: Processes;
  readonly load: LoadTool;
  readonly profile: Profile;
}

/** What is to be reached: a ratio against the baseline, or a median below a bound whatever the baseline has. */
export type Target = { readonly atMost: number } | { readonly atLeast: number } | { readonly below: number };

/** One figure of a scenario. */
export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
  readonly target?: Target;
  /** Printed for the reader, and not worth a ratio. @default false */
  readonly informative?: boolean;
  /** A rate rather than a cost: drawn so in the chart. @default false */
  readonly moreIsBetter?: boolean;
}

/** What was measured, by metric key. A metric that a peer cannot have is absent. */
export type Sample = Readonly<Record<string, number>>;

/** Peers of a scenario that compares ways of one balancer with one another. */
export interface Comparison {
  readonly peers: readonly Peer[];
  /** Names among them. */
  readonly baseline: string;
  readonly candidate: string;
}

/** What a scenario is, however it is measured. */
interface ScenarioFacts {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly realservers: RealserverKind;
  /** The balancer checks the realservers by HTTP every second. @default false */
  readonly checked?: boolean;
  /** Asks for what autocannon cannot do: a new connection for each request, or uploads. @default false */
  readonly needsWrk?: boolean;
  /** Measured instead of the peers that the run is about. */
  readonly comparison?: Comparison;
  /** Names of peers that it says nothing about. */
  readonly without?: readonly string[];
  /**
   * Finds out, once and before the rounds, what every measurement is to use: the baseline runs (or the first peer, where the
   * baseline is not measured). @default 0, and no peer is started for it
   */
  calibrate?(baseline: RunningPeer, bench: Bench): Promise<number>;
}

/** Each peer by itself. */
export interface OneByOne {
  /** @param calibration what `calibrate` returned. @throws Error when the peer fails under it */
  measure(peer: RunningPeer, bench: Bench, calibration: number): Promise<Sample>;
}

/** All peers of a comparison in one go. */
export interface ByTurns {
  /**
   * All run, and take the load by turns of a second: for differences that are smaller than what the machine's speed changes by
   * between two measurements. The scenario starts the peers itself.
   * @returns by peer what all its turns make together. @throws Error when a peer fails
   */
  measureByTurns(peers: readonly Peer[], bench: Bench): Promise<ReadonlyMap<string, Sample>>;
}

/** A scenario of which each measurement is by itself. */
export type PlainScenario = ScenarioFacts & OneByOne;

/** One scenario. */
export type Scenario = PlainScenario | (ScenarioFacts & ByTurns);
