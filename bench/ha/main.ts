/**
 * `npm run bench:ha`: how long clients cannot reach a floating address when something happens to a director, beside
 * keepalived with the same timers. In network namespaces, so it needs root. Runs are interleaved: a product is never
 * measured on another machine state than the other one. Ends with 1 when a run failed,
 * with 130 when interrupted.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { raiseThreadPriority } from "../../src/dataplane/native/thread-priority.js";
import { labMissing } from "../../test/helpers/vrrp-lab.js";
import { repository } from "../system/repository.js";
import { EVENTS, type HaEvent, SIDE_BY_SIDE } from "./events.js";
import type { RunResult } from "./observations.js";
import { parseHaOptions, usage } from "./options.js";
import { isBuilt, keepalivedProduct, type Timing } from "./products.js";
import { type Cell, type HaReport, haFacts, renderHa, replaceHaResults } from "./report.js";
import { abandon, type Cast, Stage } from "./scene.js";

const MEMORY = "/dev/shm";

async function measureRow(
  event: HaEvent,
  timing: Timing,
  casts: readonly Cast[],
  runs: number,
): Promise<Cell[]> {
  const cells = casts.map((cast) => ({
    event,
    timing,
    cast,
    results: [] as RunResult[],
    failures: [] as string[],
  }));
  const all = Array.from({ length: runs }, (_, i) => cells.map((cell) => ({ cell, number: i + 1 }))).flat();
  for (let i = 0; i < all.length; i += timing.together) {
    const batch = all.slice(i, i + timing.together);
    const stages = batch.map(({ cell: { cast } }) => new Stage(cast, timing));
    for (const [at, { cell, number }] of batch.entries()) {
      const { cast, results, failures } = cell;
      console.error(
        `${event.name}, ${timing.name}, run ${number} of ${runs}: ${cast.a.name} to ${cast.b.name}`,
      );
      try {
        results.push(await stages[at].play(event.happening, (number - 0.5) / runs));
      } catch (error) {
        failures.push((error as Error).message);
        console.error(`failed: ${(error as Error).message}`);
      } finally {
        stages[at].end();
      }
    }
    // The kernel takes network namespaces down under a lock that every change of an address waits for: after the last run.
    for (const stage of stages) stage.destroy();
  }
  return cells;
}

async function main(): Promise<number> {
  const options = parseHaOptions(
    process.argv.slice(2),
    EVENTS.map(({ name }) => name),
  );
  if (options.help) {
    process.stdout.write(usage(EVENTS.map(({ name }) => name)));
    return 0;
  }
  const missing = labMissing() ?? (isBuilt() ? undefined : "the director is not built: npm run build");
  if (missing !== undefined) throw new Error(missing);
  // Directors keep their notes where they have them as services: in memory, as /run is.
  if (existsSync(MEMORY)) process.env["TMPDIR"] = MEMORY;
  const notes: string[] = [];
  const reason = keepalivedProduct.unavailable();
  if (reason !== undefined) notes.push(`keepalived is left out: ${reason}`);
  const isPossible = ({ a, b }: Cast): boolean =>
    [a, b].every(
      (product) => options.directors.includes(product.name) && product.unavailable() === undefined,
    );
  // Events are timed here. What is started has the ordinary priority again.
  raiseThreadPriority(loadLibc());
  const facts = haFacts(options.runs);
  const startedMs = performance.now();
  const cells: Cell[] = [];
  for (const event of EVENTS.filter(({ name }) => options.events.includes(name))) {
    const casts = (event.casts ?? SIDE_BY_SIDE).filter(isPossible);
    for (const timing of event.timings) cells.push(...(await measureRow(event, timing, casts, options.runs)));
  }
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
  const report: HaReport = { facts: { ...facts, took: `${minutes} minutes` }, cells, notes };
  process.stdout.write(renderHa(report, options.markdown ? "markdown" : "text"));
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (options.updateReadme) {
    const file = join(repository, "bench/README.md");
    writeFileSync(file, replaceHaResults(readFileSync(file, "utf8"), renderHa(report, "markdown")));
  }
  return cells.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    abandon();
    process.exit(130);
  });
}
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench:ha: ${(error as Error).message}`);
  process.exitCode = 1;
}
