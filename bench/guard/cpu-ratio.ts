/** Processor time per request against a bare pipe of node:net in the same rounds: no duration, so any machine can say it. */
import { chooseLoadTool } from "../load/run.js";
import { pipe } from "../peers/pipe.js";
import { uvsNative } from "../peers/uvs.js";
import { startHttpRealservers } from "../realserver/http.js";
import { runScenario } from "../rounds.js";
import type { Profile } from "../scenarios/scenario.js";
import { small } from "../scenarios/small.js";
import { summarise } from "../summary.js";
import type { Processes } from "../system/processes.js";

const PROFILE: Profile = { name: "quick", rounds: 5, warmUpSeconds: 1, seconds: 1 };
const METRIC = "processUs";

/**
 * Measures the small requests of the bench.
 * @returns the median of the rounds' ratios
 * @throws Error when a round fails
 */
export async function measureRatio(processes: Processes, directory: string): Promise<number> {
  const bench = { processes, load: chooseLoadTool(), profile: PROFILE };
  const realservers = await startHttpRealservers(processes, directory);
  const failures: string[] = [];
  const observer = {
    starting: () => {},
    failed: (_scenario: string, _round: number, peer: string, reason: string) =>
      failures.push(`${peer}: ${reason}`),
  };
  const samples = await runScenario(
    small,
    [uvsNative, pipe],
    realservers,
    bench,
    directory,
    observer,
    pipe.name,
  );
  const { peers } = summarise(samples, pipe.name, uvsNative.name);
  const figures = peers.find(({ peer }) => peer === uvsNative.name)?.figures ?? [];
  const ratio = figures.find(({ metric }) => metric.key === METRIC)?.ratio;
  if (failures.length > 0 || ratio === undefined)
    throw new Error(failures.join("; ") || "nothing was measured");
  return ratio.median;
}
