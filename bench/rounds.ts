/**
 * Runs scenarios in interleaved rounds: A B C, A B C, ... so that a machine that becomes slower or faster meanwhile does so
 * for all peers. Each measurement has a balancer of its own, started and warmed up for it and stopped after it: no peer
 * is measured beside another, or in the memory that an earlier scenario left behind.
 */
import { type Peer, startPeer } from "./peers/peer.js";
import type { Realservers } from "./realserver/realserver.js";
import type { Bench, Comparison, Metric, Sample, Scenario } from "./scenarios/scenario.js";

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

/** Who is told how it goes. */
export interface Observer {
  starting(scenario: string, round: number, peer: string): void;
  failed(scenario: string, round: number, peer: string, reason: string): void;
}

/** Measures the peers in one scenario. A failed measurement is told and leaves a gap; the others go on. @throws Error when interrupted */
export async function runScenario(
  scenario: Scenario,
  peers: readonly Peer[],
  realservers: Realservers,
  bench: Bench,
  directory: string,
  observer: Observer,
): Promise<ScenarioSamples> {
  const measured = (scenario.comparison?.peers ?? peers)
    .filter((peer) => !scenario.without?.includes(peer.name))
    .map((peer) => ({ peer, samples: [] as (Sample | undefined)[] }));
  for (let round = 1; round <= bench.profile.rounds; round++) {
    for (const { peer, samples } of measured) {
      observer.starting(scenario.name, round, peer.name);
      try {
        const running = await startPeer(
          peer,
          realservers,
          bench.processes,
          directory,
          scenario.checked === true,
        );
        try {
          samples.push(await scenario.measure(running, bench));
        } finally {
          await running.stop();
        }
      } catch (error) {
        if (bench.processes.closed) throw new Error("interrupted");
        samples.push(undefined);
        observer.failed(scenario.name, round, peer.name, (error as Error).message);
      }
    }
  }
  const { name, title, metrics, comparison } = scenario;
  return {
    name,
    title,
    metrics,
    comparison,
    peers: measured.map(({ peer, samples }) => ({ peer: peer.name, samples })),
  };
}
