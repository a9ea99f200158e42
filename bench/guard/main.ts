/**
 * `npm run guard`: fails when the data path does more than it did when the baseline was recorded. Ends with 1 then.
 * `npm run guard -- --counts` leaves out the processor time, which other programs on the machine can disturb.
 * `npm run guard -- --record` makes what is found the baseline, for a change that is worth what it costs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { textTable } from "../report/table.js";
import { Processes } from "../system/processes.js";
import { type Comparison, compare, type Figures, readBaseline, recordBaseline } from "./baseline.js";
import { measureRatio } from "./cpu-ratio.js";
import { type DataPathCost, measureDataPath } from "./measure.js";

const CPU_RATIO = "CPU per request against node:net";

/** @param isCountsOnly without what is divided by a stop-watch: for machines that are busy with other things */
async function measure(isCountsOnly: boolean): Promise<Figures> {
  const cost = await measureDataPath();
  if (isCountsOnly) return figuresOf(cost);
  const directory = mkdtempSync(join(tmpdir(), "uvs-guard-"));
  const processes = new Processes(directory);
  try {
    const ratio = await measureRatio(processes, directory);
    return { ...figuresOf(cost), [CPU_RATIO]: ratio };
  } finally {
    await processes.stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

function figuresOf(cost: DataPathCost): Figures {
  const per = (unit: string, calls: Figures): [string, number][] =>
    Object.entries(calls).map(([call, count]) => [`${call} per ${unit}`, count]);
  return Object.fromEntries([
    ...per("request", cost.callsPerRequest),
    ...per("connection", cost.callsPerConnection),
    ["heap bytes per request", cost.heapPerRequest],
    ["heap bytes per connection", cost.heapPerConnection],
  ]);
}

function render(comparisons: readonly Comparison[]): string {
  const text = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(2));
  return textTable({
    heading: ["figure", "found", "recorded", "at most", "result"],
    rows: comparisons.map(({ figure, found, recorded, limit, passes }) => [
      figure,
      text(found),
      text(recorded),
      text(limit),
      passes ? "ok" : "MORE THAN RECORDED",
    ]),
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { record: { type: "boolean", default: false }, counts: { type: "boolean", default: false } },
  });
  if (values.record && values.counts) throw new Error("--record records everything: leave --counts out");
  const found = await measure(values.counts);
  if (values.record) recordBaseline(found);
  const recorded = readBaseline();
  const { [CPU_RATIO]: _, ...counts } = recorded;
  const comparisons = compare(found, values.counts ? counts : recorded);
  console.log(render(comparisons));
  if (comparisons.every(({ passes }) => passes)) return 0;
  console.log("guard: the data path does more than before; bench/README.md says how to move the baseline");
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`guard: ${(error as Error).message}`);
  process.exitCode = 1;
}
