/** The table of the HA bench. */
import { spawnSync } from "node:child_process";
import { cpus, loadavg, release } from "node:os";
import { markdownTable, type Table, textTable } from "../report/table.js";
import { median } from "../stats.js";
import { repository } from "../system/repository.js";
import type { HaEvent } from "./events.js";
import type { RunResult } from "./observations.js";
import { keepalivedProduct, type Timing, versionOf } from "./products.js";
import type { Cast } from "./scene.js";

/** One event with one timing and one cast. */
export interface Cell {
  readonly event: Pick<HaEvent, "name" | "title" | "target">;
  readonly timing: Timing;
  readonly cast: Cast;
  readonly results: readonly RunResult[];
  readonly failures: readonly string[];
}

/** All of a run. */
export interface HaReport {
  readonly facts: Readonly<Record<string, string>>;
  readonly cells: readonly Cell[];
  readonly notes: readonly string[];
}

export const HA_BEGIN = "<!-- ha results: written by npm run bench:ha -- --update-readme -->";
export const HA_END = "<!-- end of ha results -->";

/** Where the figures come from. */
export function haFacts(runs: number): Record<string, string> {
  const git = (...args: string[]): string =>
    spawnSync("git", args, { cwd: repository, encoding: "utf8" }).stdout?.trim() ?? "";
  const isClean = git("status", "--porcelain") === "";
  const [processor] = cpus();
  return {
    commit: `${git("rev-parse", "--short", "HEAD")}${isClean ? "" : " with uncommitted changes"}`,
    processor: `${processor?.model.trim() ?? "unknown"}, ${cpus().length} cores`,
    kernel: release(),
    "load before": loadavg()[0].toFixed(2),
    node: process.version,
    keepalived:
      keepalivedProduct.unavailable() === undefined ? versionOf(keepalivedProduct) : "not installed",
    runs: `${runs} of each cell`,
  };
}

/** The report for people. */
export function renderHa({ facts, cells, notes }: HaReport, form: "text" | "markdown"): string {
  const table: Table = {
    heading: [
      "event",
      "timers",
      "directors",
      "outage ms: min / median / max",
      "probes lost",
      "masters overlap ms",
      "held by two ms",
      "ARPs (bursts)",
      "silence ms",
      "to reach",
      "reached",
    ],
    rows: cells.map((cell) => [...rowOf(cell), verdict(cell, cells)]),
  };
  const found: Table = { heading: ["what", "found"], rows: Object.entries(facts) };
  const render = form === "markdown" ? markdownTable : textTable;
  return `${[render(table), ...notes, render(found)].join("\n\n")}\n`;
}

/** Replaces what stands between the two markers. @throws Error when a marker is missing */
export function replaceHaResults(readme: string, results: string): string {
  const [begin, end] = [readme.indexOf(HA_BEGIN), readme.indexOf(HA_END)];
  if (begin < 0 || end < begin)
    throw new Error(`bench/README.md must hold the lines "${HA_BEGIN}" and "${HA_END}"`);
  return `${readme.slice(0, begin + HA_BEGIN.length)}\n\n${results.trim()}\n\n${readme.slice(end)}`;
}

function rowOf({ event, timing, cast, results, failures }: Cell): string[] {
  const of = (value: (result: RunResult) => number): number[] => results.map(value);
  const outages = of(({ outageMs }) => outageMs);
  const failed = failures.length > 0 ? `; ${failures.length} runs failed` : "";
  return [
    event.title,
    timing.name,
    cast.a.name === cast.b.name ? cast.a.name : `${cast.a.name} to ${cast.b.name}`,
    results.length === 0
      ? `-${failed}`
      : `${ms(Math.min(...outages))} / ${ms(median(outages))} / ${ms(Math.max(...outages))}${failed}`,
    range(of(({ lost }) => lost)),
    greatest(of(({ mastersMs }) => mastersMs)),
    greatest(of(({ holdersMs }) => holdersMs)),
    inSets(
      range(of(({ announcements }) => announcements)),
      of(({ announcementSets }) => announcementSets),
    ),
    event.name === "flood" ? greatest(of(({ silenceMs }) => silenceMs)) : "-",
    event.target.words,
  ];
}

/** keepalived by itself is what uvs is compared with; nothing is asked of it. */
function verdict({ event, timing, cast, results, failures }: Cell, cells: readonly Cell[]): string {
  if (results.length === 0 || [cast.a, cast.b].every(({ name }) => name !== "uvs")) return "-";
  const beside = cells.find(
    (cell) =>
      cell.event.name === event.name &&
      cell.timing.name === timing.name &&
      [cell.cast.a, cell.cast.b].every(({ name }) => name === "keepalived"),
  );
  const isReached = event.target.isReached({ timing, results, keepalived: beside?.results ?? [] });
  if (isReached === undefined) return "nothing to compare with";
  return isReached && failures.length === 0 ? "yes" : "no";
}

function inSets(announcements: string, sets: readonly number[]): string {
  return sets.length === 0 ? announcements : `${announcements} (${range(sets)})`;
}

function ms(value: number): string {
  if (!Number.isFinite(value)) return "never";
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function range(values: readonly number[]): string {
  if (values.length === 0) return "-";
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least} to ${most}`;
}

/** The worst run; "none" where it never came to that. */
function greatest(values: readonly number[]): string {
  if (values.length === 0) return "-";
  const most = Math.max(...values);
  return most > 0 ? ms(most) : "none";
}
