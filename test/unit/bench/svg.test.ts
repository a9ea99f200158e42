import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "../../../bench/report/report.js";
import { renderRatios } from "../../../bench/report/svg.js";
import type { Metric, Sample } from "../../../bench/scenarios/scenario.js";
import { summarise } from "../../../bench/summary.js";

const COST: Metric = { key: "cost", title: "CPU us", digits: 1, target: { atMost: 0.5 } };
const RATE: Metric = { key: "rate", title: "requests/s", digits: 0, moreIsBetter: true };
const BUSY: Metric = { key: "busy", title: "busy %", digits: 0, informative: true };

function chart(metrics: readonly Metric[], uvs: Sample[], others: Readonly<Record<string, Sample[]>> = {}) {
  const haproxy = [
    { cost: 100, rate: 100, busy: 50 },
    { cost: 100, rate: 100, busy: 50 },
  ];
  const peers = Object.entries({ uvs, haproxy, ...others }).map(([peer, samples]) => ({ peer, samples }));
  const report: Report = {
    facts: { commit: "abc1234" },
    profile: { name: "full", rounds: 2, warmUpSeconds: 1, seconds: 5 },
    baseline: "haproxy",
    scenarios: [summarise({ name: "a<b", title: "A", metrics, peers }, "haproxy", "uvs")],
    notes: [],
  };
  return renderRatios(report);
}

const widths = (svg: string): number[] =>
  [...svg.matchAll(/<rect class="bar[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));
const lines = (svg: string, name: string) =>
  [...svg.matchAll(new RegExp(`<line class="${name}" x1="([\\d.]+)" y1="[\\d.]+" x2="([\\d.]+)"`, "g"))].map(
    ([, from, to]) => [Number(from), Number(to)],
  );

test("a bar is as long as its ratio, and the baseline is a line instead of a bar", () => {
  const svg = chart([COST], [{ cost: 50 }, { cost: 50 }], { nginx: [{ cost: 100 }, { cost: 100 }] });
  assert.deepEqual(widths(svg), [150, 300]);
  assert.deepEqual(lines(svg, "one"), [[490, 490]]);
});

test("a whisker reaches from the least round to the greatest", () => {
  const svg = chart([COST], [{ cost: 50 }, { cost: 150 }]);
  assert.deepEqual(lines(svg, "whisker"), [[340, 640]]);
});

test("a bar that is too long is cut, and its value still says how long it is", () => {
  const svg = chart([COST], [{ cost: 900 }, { cost: 900 }]);
  assert.deepEqual(widths(svg), [600]);
  assert.match(svg, />9\.00<\/text>/);
});

test("a target is marked where it is", () => {
  assert.deepEqual(lines(chart([COST], [{ cost: 50 }, { cost: 50 }]), "target"), [[340, 340]]);
});

test("figures with a target stand for their scenario, the first figure where there is none", () => {
  const samples = [
    { cost: 50, rate: 120, busy: 1 },
    { cost: 50, rate: 120, busy: 1 },
  ];
  const targeted = chart([RATE, BUSY, COST], samples);
  assert.match(targeted, /CPU us, against haproxy \(less is better\)/);
  assert.doesNotMatch(targeted, /requests\/s|busy/);
  const free = chart([BUSY, RATE], samples);
  assert.match(free, /requests\/s, against haproxy \(more is better\)/);
  assert.doesNotMatch(free, /busy/);
});

test("what was not measured beside the baseline has no group", () => {
  assert.deepEqual(widths(chart([COST], [])), []);
  assert.doesNotMatch(chart([COST], []), /CPU us/);
});

test("text is escaped, and every element is closed", () => {
  const svg = chart([COST], [{ cost: 50 }, { cost: 50 }]);
  assert.match(svg, /a&lt;b: CPU us/);
  const open: string[] = [];
  for (const [, slash, name, self] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name);
    else if (self !== "/") open.push(name);
  }
  assert.deepEqual(open, []);
});

test("readers of dark pages are given other colours", () => {
  assert.match(chart([COST], []), /@media \(prefers-color-scheme: dark\)/);
});
