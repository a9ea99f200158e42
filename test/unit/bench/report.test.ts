import assert from "node:assert/strict";
import { test } from "node:test";
import { BEGIN, END, replaceResults } from "../../../bench/report/readme.js";
import { type Report, renderMarkdown, renderText } from "../../../bench/report/report.js";
import { markdownTable, textTable } from "../../../bench/report/table.js";
import { summarise } from "../../../bench/summary.js";

const TABLE = {
  heading: ["balancer", "req/s", "result"],
  rows: [
    ["uvs", "47,500 (0.9 to 1.1)", "reached"],
    ["none", "-", "not measured"],
  ],
};

test("a text table aligns figures to the right and words to the left, without trailing blanks", () => {
  const lines = [
    "balancer                req/s  result",
    "uvs       47,500 (0.9 to 1.1)  reached",
    "none                        -  not measured",
  ];
  assert.equal(textTable(TABLE), lines.join("\n"));
});

test("a Markdown table marks columns of figures, and escapes bars", () => {
  const table = { ...TABLE, rows: [...TABLE.rows, ["a|b", "1", ""]] };
  const lines = [
    "| balancer | req/s | result |",
    "|---|---:|---|",
    "| uvs | 47,500 (0.9 to 1.1) | reached |",
    "| none | - | not measured |",
    "| a\\|b | 1 |  |",
  ];
  assert.equal(markdownTable(table), lines.join("\n"));
});

function report(): Report {
  const metrics = [
    { key: "cost", title: "CPU us", digits: 1, target: { atMost: 0.9 } },
    { key: "busy", title: "busy %", digits: 0, informative: true },
  ];
  const peers = [
    { peer: "uvs", samples: [{ cost: 950, busy: 50 }] },
    { peer: "haproxy", samples: [{ cost: 1000, busy: 60 }] },
  ];
  return {
    facts: { commit: "abc1234" },
    profile: { name: "full", rounds: 1, warmUpSeconds: 1, seconds: 5 },
    baseline: "haproxy",
    scenarios: [summarise({ name: "bulk", title: "Bulk", metrics, peers }, "haproxy", "uvs")],
    notes: ["nginx is left out: not installed"],
  };
}

test("a report says which target was not reached and by how much", () => {
  assert.match(
    renderText(report()),
    /^bulk +CPU us +0\.950 \(0\.950 to 0\.950\) +at most 0\.90 +not reached$/m,
  );
});

test("a report gives no ratios of the baseline with itself, nor of informative figures", () => {
  const ratios = renderText(report()).split("Ratios against haproxy")[1].split("Machine")[0];
  assert.match(ratios, /^balancer +CPU us$/m);
  assert.doesNotMatch(ratios, /^haproxy/m);
});

test("a report states the machine and what was left out", () => {
  const text = renderMarkdown(report());
  assert.match(text, /^\| commit \| abc1234 \|$/m);
  assert.match(text, /^- nginx is left out: not installed$/m);
});

test("results replace what stands between the markers and nothing else", () => {
  const readme = `# Bench\n\n${BEGIN}\nold\n${END}\n\nend\n`;
  const once = replaceResults(readme, "new\n");
  assert.equal(once, `# Bench\n\n${BEGIN}\n\nnew\n\n${END}\n\nend\n`);
  assert.equal(replaceResults(once, "new"), once);
});

test("a readme without the markers is refused", () => {
  assert.throws(() => replaceResults(`# Bench\n${BEGIN}\n`, "new"), /must hold the lines/);
});
