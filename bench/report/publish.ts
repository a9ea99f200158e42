/** Where the results of a run go: files that the repository keeps only when asked to, files of the last run otherwise. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ScenarioSamples } from "../rounds.js";
import { replaceResults } from "./readme.js";
import { type Report, renderMarkdown } from "./report.js";
import { renderRatios } from "./svg.js";

const RESULTS = "bench/results";
/** Of the last run; ignored by git. */
const LAST = join(RESULTS, "last.tmp");

/** A report with every sample it was made of. */
export interface Results {
  readonly report: Report;
  readonly samples: readonly ScenarioSamples[];
}

/**
 * Writes `latest.json` and `ratios.svg`, and the results into bench/README.md where it is updated.
 * @param root of the repository
 * @param isUpdate replaces the files that the repository holds; otherwise they go to bench/results/last.tmp
 * @returns the folder that they are in
 */
export function publishResults(root: string, results: Results, isUpdate: boolean): string {
  const folder = join(root, isUpdate ? RESULTS : LAST);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "latest.json"), renderJson(results));
  writeFileSync(join(folder, "ratios.svg"), renderRatios(results.report));
  if (isUpdate) {
    const file = join(root, "bench/README.md");
    const chart = "![Ratios against the baseline](results/ratios.svg)";
    const page = `${chart}\n\nEvery sample is in [results/latest.json](results/latest.json).\n\n${renderMarkdown(results.report)}`;
    writeFileSync(file, replaceResults(readFileSync(file, "utf8"), page));
  }
  return folder;
}

/** All of it as JSON. */
export function renderJson({ report, samples }: Results): string {
  return `${JSON.stringify({ ...report, samples }, undefined, 2)}\n`;
}
