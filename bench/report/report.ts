/** What a run has to say, once as text for a terminal and once as Markdown for bench/README.md. */
import type { Facts } from "../machine.js";
import type { Profile, Target } from "../scenarios/scenario.js";
import type { Spread } from "../stats.js";
import type { Figure, PeerSummary, ScenarioSummary } from "../summary.js";
import { markdownTable, type Table, textTable } from "./table.js";

/** A finished run. */
export interface Report {
  readonly facts: Facts;
  readonly profile: Profile;
  readonly baseline: string;
  readonly scenarios: readonly ScenarioSummary[];
  /** One sentence each: peers and scenarios left out and why, what the load cannot show, failed measurements. */
  readonly notes: readonly string[];
}

/** How the parts of a report are written down. */
interface Style {
  heading(title: string): string;
  /** A line above a table. */
  label(text: string): string;
  table(table: Table): string;
}

const TEXT: Style = {
  heading: (title) => `${title}\n${"-".repeat(title.length)}`,
  label: (text) => `${text}:\n`,
  table: textTable,
};

const MARKDOWN: Style = {
  heading: (title) => `### ${title}`,
  label: (text) => `${text}:\n\n`,
  table: markdownTable,
};

/** The report for a terminal. */
export function renderText(report: Report): string {
  return render(report, TEXT);
}

/** The report as Markdown, headings from the third level. */
export function renderMarkdown(report: Report): string {
  return render(report, MARKDOWN);
}

function render({ profile, baseline, scenarios, notes, facts }: Report, style: Style): string {
  const parts: string[] = [];
  const add = (table: Table, label = "") => {
    if (table.rows.length > 0) parts.push(`${label && style.label(label)}${style.table(table)}`);
  };
  const verdicts = verdictTable(scenarios, baseline);
  if (verdicts.rows.length > 0) parts.push(style.heading("Targets"));
  add(verdicts);
  for (const scenario of scenarios) {
    parts.push(style.heading(scenario.title));
    add(medianTable(scenario), "Medians");
    add(
      ratioTable(scenario),
      `Ratios against ${scenario.baseline}, median of the rounds (least to greatest)`,
    );
  }
  parts.push(style.heading("Machine"));
  const { name, rounds, seconds } = profile;
  add({
    heading: ["what", "found"],
    rows: [
      ...Object.entries(facts),
      ["profile", `${name}, interleaved rounds: ${rounds}, load of ${seconds} s each`],
    ],
  });
  if (notes.length > 0) parts.push(style.heading("Notes"), notes.map((note) => `- ${note}`).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

function medianTable({ peers }: ScenarioSummary): Table {
  return figureTable(peers, ({ median, metric }) =>
    median === undefined ? "-" : formatNumber(median, metric.digits),
  );
}

/** Empty where the baseline, or every other peer, was not measured. */
function ratioTable({ peers, baseline }: ScenarioSummary): Table {
  const others = peers
    .filter(({ peer }) => peer !== baseline)
    .map(({ peer, figures }) => ({ peer, figures: figures.filter(({ metric }) => !metric.informative) }))
    .filter(({ figures }) => figures.some(({ ratio }) => ratio !== undefined));
  return figureTable(others, ({ ratio }) => formatSpread(ratio));
}

function figureTable(peers: readonly PeerSummary[], cell: (figure: Figure) => string): Table {
  return {
    heading: ["balancer", ...(peers[0]?.figures.map(({ metric }) => metric.title) ?? [])],
    rows: peers.map(({ peer, figures }) => [peer, ...figures.map(cell)]),
  };
}

function verdictTable(scenarios: readonly ScenarioSummary[], baseline: string): Table {
  return {
    heading: ["scenario", "figure", `against ${baseline}`, "target", "result"],
    rows: scenarios
      .flatMap((scenario) => scenario.verdicts.map((verdict) => ({ own: scenario.baseline, ...verdict })))
      .map(({ own, scenario, metric, ratio, median, target, reached }) => [
        scenario,
        own === baseline ? metric : `${metric}, against ${own}`,
        formatSpread(ratio, 3),
        formatTarget(target),
        ("below" in target ? median : ratio) === undefined
          ? "not measured"
          : reached
            ? "reached"
            : "not reached",
      ]),
  };
}

function formatTarget(target: Target): string {
  if ("below" in target) return `below ${target.below}, whatever the other has`;
  return "atMost" in target ? `at most ${target.atMost.toFixed(2)}` : `at least ${target.atLeast.toFixed(2)}`;
}

function formatSpread(ratio: Spread | undefined, digits = 2): string {
  if (ratio === undefined) return "-";
  const [median, min, max] = [ratio.median, ratio.min, ratio.max].map((value) => value.toFixed(digits));
  return `${median} (${min} to ${max})`;
}

function formatNumber(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
