import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { publishResults, type Results } from "../../../bench/report/publish.js";
import { BEGIN, END } from "../../../bench/report/readme.js";

const README = `# Bench\n\n${BEGIN}\nold\n${END}\n`;

const results: Results = {
  report: {
    facts: { commit: "abc1234" },
    profile: { name: "full", rounds: 1, warmUpSeconds: 1, seconds: 5 },
    baseline: "haproxy",
    scenarios: [],
    notes: [],
  },
  samples: [{ name: "small", title: "Small", metrics: [], peers: [{ peer: "uvs", samples: [{ cost: 1 }] }] }],
};

function repository(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "uvs-publish-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "bench"));
  writeFileSync(join(root, "bench/README.md"), README);
  return root;
}

test("an ordinary run leaves the files of the repository as they are", (t) => {
  const root = repository(t);
  const folder = publishResults(root, results, false);
  assert.equal(folder, join(root, "bench/results/last.tmp"));
  assert.ok(existsSync(join(folder, "ratios.svg")));
  assert.ok(!existsSync(join(root, "bench/results/latest.json")));
  assert.equal(readFileSync(join(root, "bench/README.md"), "utf8"), README);
});

test("an update replaces the results, and the page links them", (t) => {
  const root = repository(t);
  const folder = publishResults(root, results, true);
  const page = readFileSync(join(root, "bench/README.md"), "utf8");
  for (const [, link] of page.matchAll(/\]\((results\/[^)]+)\)/g))
    assert.ok(existsSync(join(root, "bench", link)), link);
  assert.match(page, /\]\(results\/ratios\.svg\)/);
  assert.doesNotMatch(page, /old/);
  assert.equal(folder, join(root, "bench/results"));
});

test("the JSON holds the summary, the machine and every sample", (t) => {
  const folder = publishResults(repository(t), results, false);
  const json: unknown = JSON.parse(readFileSync(join(folder, "latest.json"), "utf8"));
  assert.deepEqual(json, { ...results.report, samples: results.samples });
});
