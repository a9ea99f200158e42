/**
 * `npm run bench`: measures uvs beside HAProxy, nginx stream and no balancer at all, on this machine, over loopback only.
 * Ends with 1 when a measurement failed, 130 when interrupted, 0 otherwise: a target that is not reached is a result.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseLoadTool } from "./load/run.js";
import { collectFacts } from "./machine.js";
import { MICROS } from "./micro/registry.js";
import { renderMicro } from "./micro/report.js";
import { type Options, parseOptions, usage } from "./options.js";
import { BASELINE, CANDIDATE, PEERS, QUICK_PEERS } from "./peers/registry.js";
import { startHttpRealservers } from "./realserver/http.js";
import { startIdleRealservers } from "./realserver/idle.js";
import { startManyRealservers } from "./realserver/many.js";
import type { RealserverKind, Realservers } from "./realserver/realserver.js";
import { startUdpRealservers } from "./realserver/udp.js";
import { publishResults, type Results, renderJson } from "./report/publish.js";
import { renderMarkdown, renderText } from "./report/report.js";
import { runScenario, type ScenarioSamples } from "./rounds.js";
import { QUICK_SCENARIOS, SCENARIOS } from "./scenarios/registry.js";
import { summarise } from "./summary.js";
import { congestionControl, isIsolated, runIsolated } from "./system/namespace.js";
import { Processes } from "./system/processes.js";
import { repository } from "./system/repository.js";

const choices = {
  scenarios: [...SCENARIOS, ...MICROS].map(({ name }) => name),
  peers: PEERS.map(({ name }) => name),
  quick: QUICK_SCENARIOS,
  quickPeers: QUICK_PEERS,
};

/** Everything that a run found out. */
interface Outcome extends Results {
  readonly failures: number;
}

/** Measures single functions in this process, and prints what comes of it. */
function measureMicros(options: Options): void {
  for (const micro of MICROS.filter(({ name }) => options.scenarios.includes(name))) {
    console.error(`${micro.name}: in this process`);
    process.stdout.write(`${renderMicro(micro, micro.measure())}\n`);
  }
}

/** Measures all that is asked for. */
async function measure(options: Options, processes: Processes, directory: string): Promise<Outcome> {
  const load = chooseLoadTool();
  const bench = { processes, load, profile: options.profile };
  const notes: string[] = load.caveat === "" ? [] : [load.caveat];
  const failures: string[] = [];
  const peers = PEERS.filter(({ name }) => options.peers.includes(name)).filter((peer) => {
    const reason = peer.unavailable();
    if (reason !== undefined) notes.push(`${peer.name} is left out: ${reason}`);
    return reason === undefined;
  });
  const scenarios = SCENARIOS.filter(({ name }) => options.scenarios.includes(name)).filter((scenario) => {
    const possible = load.name === "wrk" || !scenario.needsWrk;
    if (!possible) notes.push(`${scenario.name} is left out: it needs wrk (apt-get install wrk)`);
    return possible;
  });
  const facts = await collectFacts(processes, load);
  const started = new Map<RealserverKind, Realservers>();
  const samples: ScenarioSamples[] = [];
  const observer = {
    starting: (scenario: string, round: number, peer: string) =>
      console.error(
        round === 0
          ? `${scenario}, to calibrate: ${peer}`
          : `${scenario}, round ${round} of ${options.profile.rounds}: ${peer}`,
      ),
    failed: (scenario: string, round: number, peer: string, reason: string) => {
      failures.push(`failed: ${scenario}, round ${round}, ${peer}: ${reason}`);
      console.error(failures[failures.length - 1]);
    },
  };
  for (const scenario of scenarios) {
    let realservers = started.get(scenario.realservers);
    if (realservers === undefined) {
      realservers = await startRealservers(scenario.realservers, processes, directory);
      started.set(scenario.realservers, realservers);
    }
    samples.push(await runScenario(scenario, peers, realservers, bench, directory, observer, BASELINE));
  }
  const summaries = samples.map((scenario) => summarise(scenario, BASELINE, CANDIDATE));
  const report = {
    facts,
    profile: options.profile,
    baseline: BASELINE,
    scenarios: summaries,
    notes: [...notes, ...failures],
  };
  return { report, samples, failures: failures.length };
}

function startRealservers(
  kind: RealserverKind,
  processes: Processes,
  directory: string,
): Promise<Realservers> {
  if (kind === "http") return startHttpRealservers(processes, directory);
  if (kind === "udp") return startUdpRealservers(processes);
  return kind === "idle" ? startIdleRealservers(processes) : startManyRealservers(processes);
}

function publish(outcome: Outcome, options: Options): void {
  const { report } = outcome;
  process.stdout.write(options.markdown ? renderMarkdown(report) : renderText(report));
  if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, renderJson(outcome));
  console.error(`bench: samples and chart in ${publishResults(repository, outcome, options.updateReadme)}`);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), choices);
  if (options.help) {
    process.stdout.write(usage(choices));
    return 0;
  }
  if (options.congestion !== "system" && !isIsolated) {
    const status = await runIsolated(options.congestion);
    if (status !== undefined) return status;
    console.error(
      `bench: no namespace of its own (see --congestion): with ${congestionControl()}, as the system has it`,
    );
  }
  const directory = mkdtempSync(join(tmpdir(), "uvs-bench-"));
  const processes = new Processes(directory);
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      interrupted = true;
      void processes.stopAll(); // the measurement under way fails, and ends the run
    });
  }
  try {
    measureMicros(options);
    if (!SCENARIOS.some(({ name }) => options.scenarios.includes(name))) return 0;
    const outcome = await measure(options, processes, directory);
    publish(outcome, options);
    return outcome.failures === 0 ? 0 : 1;
  } catch (error) {
    if (interrupted) return 130;
    throw error;
  } finally {
    await processes.stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
