/**
 * The ratios of a run as a chart: a group of bars for each figure that has a target (or the first one of a scenario that has
 * none), a line where the baseline is, and a whisker from the least to the greatest round. The values stand in a column of their
 * own, where no line crosses them. It has its own background, and follows the reader's choice of light or dark.
 */
import type { Target } from "../scenarios/scenario.js";
import type { Spread } from "../stats.js";
import type { Figure, ScenarioSummary } from "../summary.js";
import type { Report } from "./report.js";

const WIDTH = 980;
const MARGIN = 20;
const BARS_AT = 190;
const BARS_WIDTH = 600;
/** Right edge of the medians; the least and the greatest are at the right edge of the page. */
const VALUE_AT = 840;
const HEAD = 64;
const ROW = 20;
const BAR = 12;
/** Space above a group's title. */
const GAP = 14;
/** Longer bars are cut here, with a gap before their end, and their value says how far they would reach. */
const MOST = 2;
/** Where the gap of a cut bar is, from the end; and half the height of a whisker's ends. */
const CUT = 24;
const CAP = 3;

const STYLE = `
  svg { font: 12px system-ui, sans-serif; }
  .page { fill: #ffffff; } text { fill: #1f2328; } .faint { fill: #59636e; }
  .title { font-size: 16px; font-weight: 600; } .group { font-weight: 600; }
  .bar { fill: #afb8c1; } .uvs { fill: #54aeff; } .one, .whisker, .cap { stroke: #1f2328; } .target { stroke: #1a7f37; }
  .one { stroke-dasharray: 3 3; } .target { stroke-width: 3; } .cut { stroke: #ffffff; stroke-width: 3; }
  .right { text-anchor: end; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #e6edf3; } .faint { fill: #9198a1; }
    .bar { fill: #57606a; } .uvs { fill: #1f6feb; } .one, .whisker, .cap { stroke: #e6edf3; } .target { stroke: #3fb950; }
    .cut { stroke: #0d1117; }
  }
`;

/** One group of bars. */
interface Group {
  readonly title: string;
  readonly target: Target | undefined;
  readonly bars: readonly { readonly peer: string; readonly ratio: Spread }[];
}

/** The chart. A run without any ratio has a chart without groups. */
export function renderRatios({ scenarios, facts }: Report): string {
  const groups = scenarios.flatMap(groupsOf);
  const parts: string[] = [];
  let y = HEAD;
  for (const group of groups) {
    parts.push(renderGroup(group, y));
    y += heightOf(group);
  }
  const height = y + MARGIN;
  const commit = facts["commit"] === undefined ? "" : ` Commit ${facts["commit"]}.`;
  const note = `The dashed line is the baseline, a green line the target, a thin line goes from the least round to the greatest.${commit}`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>Ratios against the baseline</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    label(MARGIN, 28, "title", "Ratios against the baseline, median of the rounds"),
    label(MARGIN, 48, "faint", note),
    ...parts,
    "</svg>",
  ].join("\n")}\n`;
}

function groupsOf(scenario: ScenarioSummary): Group[] {
  const worthy = (scenario.peers[0]?.figures ?? []).filter(({ metric }) => !metric.informative);
  const targeted = worthy.filter(({ metric }) => metric.target !== undefined);
  return (targeted.length > 0 ? targeted : worthy.slice(0, 1))
    .map((figure) => groupOf(scenario, figure))
    .filter(({ bars }) => bars.length > 0);
}

function groupOf({ name, peers, baseline }: ScenarioSummary, { metric }: Figure): Group {
  const sense = metric.moreIsBetter ? "more is better" : "less is better";
  const bars = peers.flatMap(({ peer, figures }) => {
    const ratio = figures.find((figure) => figure.metric.key === metric.key)?.ratio;
    return peer === baseline || ratio === undefined ? [] : [{ peer, ratio }];
  });
  return { title: `${name}: ${metric.title}, against ${baseline} (${sense})`, target: metric.target, bars };
}

const heightOf = ({ bars }: Group): number => GAP + ROW + bars.length * ROW;

function renderGroup({ title, target, bars }: Group, top: number): string {
  const first = top + GAP + ROW;
  const bottom = first + bars.length * ROW;
  const lines = bars.flatMap(({ peer, ratio }, i) => {
    const y = first + i * ROW;
    const middle = y + BAR / 2;
    const caps = ratio.min === ratio.max ? [] : [ratio.min, ratio.max].filter((end) => end <= MOST);
    return [
      label(MARGIN, y + 10, "", peer),
      `<rect class="${peer.startsWith("uvs") ? "bar uvs" : "bar"}" x="${BARS_AT}" y="${y}" width="${(position(ratio.median) - BARS_AT).toFixed(1)}" height="${BAR}"/>`,
      line("whisker", position(ratio.min), middle, position(ratio.max), middle),
      ...caps.map((end) => line("cap", position(end), middle - CAP, position(end), middle + CAP)),
      ...(ratio.median > MOST
        ? [line("cut", position(MOST) - CUT, y + BAR, position(MOST) - CUT + 6, y)]
        : []),
      label(VALUE_AT, y + 10, "right", ratio.median.toFixed(2)),
      label(WIDTH - MARGIN, y + 10, "faint right", `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`),
    ];
  });
  const mark = target === undefined ? undefined : boundOf(target);
  return [
    label(MARGIN, top + GAP + 10, "group", title),
    ...(target === undefined ? [] : [label(WIDTH - MARGIN, top + GAP + 10, "faint right", targetOf(target))]),
    ...lines,
    ...(mark === undefined ? [] : [line("target", position(mark), first - 3, position(mark), bottom - 5)]),
    line("one", position(1), first - 3, position(1), bottom - 5),
  ].join("\n");
}

/** Where a ratio lies, to a tenth of a pixel. */
function position(ratio: number): number {
  return Math.round((BARS_AT + (Math.min(ratio, MOST) / MOST) * BARS_WIDTH) * 10) / 10;
}

function targetOf(target: Target): string {
  if ("below" in target) return `target: below ${target.below}`;
  return "atMost" in target ? `target: at most ${target.atMost}` : `target: at least ${target.atLeast}`;
}

/** The ratio that a target asks for; undefined where it is no ratio. */
function boundOf(target: Target): number | undefined {
  if ("below" in target) return undefined;
  return "atMost" in target ? target.atMost : target.atLeast;
}

function line(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

function label(x: number, y: number, name: string, text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${x}" y="${y}"${name === "" ? "" : ` class="${name}"`}>${escaped}</text>`;
}
