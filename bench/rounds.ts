/**
 * Runs scenarios in interleaved rounds: A B C, A B C, ... so that a machine that becomes slower or faster meanwhile does so
 * for all peers. Each measurement has a balancer of its own, started and warmed up for it and stopped after it: no peer
 * is measured beside another, or in the memory that an earlier scenario left behind. Only where differences are smaller than
 * that drift do peers run beside one another, and take the load by turns.
 */
import { type Peer, type RunningPeer, startPeer } from "./peers/peer.js";
import type { Realservers } from "./realserver/realserver.js";
import type {
  Bench,
  ByTurns,
  Comparison,
  Metric,
  PlainScenario,
  Sample,
  Scenario,
} from "./scenarios/scenario.js";

/** What was measured of one peer. */
export interface PeerSamples {
  readonly peer: string;
  /** One entry a round, undefined where the measurement failed. */
  readonly samples: (Sample | undefined)[];
}

/** What was measured in one scenario. */
export interface ScenarioSamples {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly peers: readonly PeerSamples[];
  readonly comparison?: Comparison;
}

/** A peer and what was measured of it so far. */
interface Measured {
  readonly peer: Peer;
  readonly samples: (Sample | undefined)[];
}

/** Who is told how it goes. */
export interface Observer {
  /** @param round 1 and on; 0 where the scenario is calibrated */
  starting(scenario: string, round: number, peer: string): void;
  failed(scenario: string, round: number, peer: string, reason: string): void;
}

/**
 * Measures the peers in one scenario. A failed measurement is told and leaves a gap; the others go on. A failed calibration
 * is told and leaves no sample.
 * @param baseline the peer that a scenario is calibrated with, unless it has its own
 * @throws Error when interrupted
 */
export async function runScenario(
  scenario: Scenario,
  peers: readonly Peer[],
  realservers: Realservers,
  bench: Bench,
  directory: string,
  observer: Observer,
  baseline: string,
): Promise<ScenarioSamples> {
  const measured = (scenario.comparison?.peers ?? peers)
    .filter((peer) => !scenario.without?.includes(peer.name))
    .map((peer) => ({ peer, samples: [] as (Sample | undefined)[] }));
  if ("measureByTurns" in scenario) await byTurns(scenario, measured, bench, observer);
  else await oneByOne(scenario, measured, realservers, bench, directory, observer, baseline);
  const { name, title, metrics, comparison } = scenario;
  return {
    name,
    title,
    metrics,
    comparison,
    peers: measured.map(({ peer, samples }) => ({ peer: peer.name, samples })),
  };
}

async function byTurns(
  scenario: ByTurns & Scenario,
  measured: readonly Measured[],
  bench: Bench,
  observer: Observer,
): Promise<void> {
  const peers = measured.map(({ peer }) => peer);
  const names = peers.map(({ name }) => name).join(" and ");
  for (let round = 1; round <= bench.profile.rounds; round++) {
    observer.starting(scenario.name, round, names);
    try {
      const taken = await scenario.measureByTurns(peers, bench);
      for (const { peer, samples } of measured) samples.push(taken.get(peer.name));
    } catch (error) {
      if (bench.processes.closed) throw new Error("interrupted");
      observer.failed(scenario.name, round, names, (error as Error).message);
      for (const { samples } of measured) samples.push(undefined);
    }
  }
}

async function oneByOne(
  scenario: PlainScenario,
  measured: readonly Measured[],
  realservers: Realservers,
  bench: Bench,
  directory: string,
  observer: Observer,
  baseline: string,
): Promise<void> {
  const attempt = async <T>(peer: Peer, round: number, use: (running: RunningPeer) => Promise<T>) => {
    observer.starting(scenario.name, round, peer.name);
    try {
      return await withPeer(peer, scenario, realservers, bench, directory, use);
    } catch (error) {
      if (bench.processes.closed) throw new Error("interrupted");
      observer.failed(scenario.name, round, peer.name, (error as Error).message);
      return undefined;
    }
  };
  const { calibrate } = scenario;
  const standard = scenario.comparison?.baseline ?? baseline;
  const { peer: calibrator } = measured.find(({ peer }) => peer.name === standard) ?? measured[0] ?? {};
  const calibration =
    calibrate === undefined || calibrator === undefined
      ? 0
      : await attempt(calibrator, 0, (running) => calibrate(running, bench));
  for (let round = 1; round <= bench.profile.rounds && calibration !== undefined; round++) {
    for (const { peer, samples } of measured) {
      samples.push(await attempt(peer, round, (running) => scenario.measure(running, bench, calibration)));
    }
  }
}

/** Starts a peer, and stops it whatever comes of its use. */
async function withPeer<T>(
  peer: Peer,
  { checked }: Scenario,
  realservers: Realservers,
  { processes }: Bench,
  directory: string,
  use: (running: RunningPeer) => Promise<T>,
): Promise<T> {
  const running = await startPeer(peer, realservers, processes, directory, checked === true);
  try {
    return await use(running);
  } finally {
    await running.stop();
  }
}
