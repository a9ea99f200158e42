import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric, Target } from "../../../bench/scenarios/scenario.js";
import { summarise } from "../../../bench/summary.js";

function scenario(target: Target, mine: (number | undefined)[], baseline: (number | undefined)[]) {
  const metrics: Metric[] = [{ key: "cost", title: "cost", digits: 1, target }];
  const samples = (values: (number | undefined)[]) =>
    values.map((cost) => (cost === undefined ? undefined : { cost }));
  const peers = [
    { peer: "uvs", samples: samples(mine) },
    { peer: "haproxy", samples: samples(baseline) },
  ];
  return summarise({ name: "small", title: "Small", metrics, peers }, "haproxy", "uvs");
}

test("medians and ratios are summed up separately: the median ratio is not the ratio of the medians", () => {
  const [uvs] = scenario({ atMost: 1 }, [10, 1, 30], [10, 10, 20]).peers;
  assert.equal(uvs.figures[0].median, 10);
  assert.deepEqual(uvs.figures[0].ratio, { median: 1, min: 0.1, max: 1.5 });
});

test("a target at most is reached by its own value and below, one at least by its own value and above", () => {
  const reached = (target: Target, ratio: number) => scenario(target, [ratio], [1]).verdicts[0].reached;
  assert.deepEqual(
    [0.5, 0.9, 0.91].map((ratio) => reached({ atMost: 0.9 }, ratio)),
    [true, true, false],
  );
  assert.deepEqual(
    [0.89, 0.9, 1].map((ratio) => reached({ atLeast: 0.9 }, ratio)),
    [false, true, true],
  );
});

test("a target below a bound is of the median, whatever the baseline has", () => {
  const verdict = (mine: number[]) => scenario({ below: 50 }, mine, [undefined, undefined]).verdicts[0];
  assert.deepEqual([verdict([49, 51]).reached, verdict([40, 51]).reached], [false, true]);
  assert.equal(scenario({ below: 50 }, [undefined], [1]).verdicts[0].reached, false);
});

test("a target without any round that has both peers is not reached", () => {
  const [verdict] = scenario({ atMost: 1 }, [undefined, 1], [1, undefined]).verdicts;
  assert.equal(verdict.reached, false);
  assert.equal(verdict.ratio, undefined);
});

test("a scenario that compares peers of its own has its own baseline and candidate", () => {
  const metrics: Metric[] = [{ key: "cost", title: "cost", digits: 1, target: { atMost: 1 } }];
  const peers = ["without", "with"].map((peer, i) => ({ peer, samples: [{ cost: i + 1 }] }));
  const comparison = { peers: [], baseline: "without", candidate: "with" };
  const summary = summarise({ name: "own", title: "Own", metrics, peers, comparison }, "haproxy", "uvs");
  assert.equal(summary.baseline, "without");
  assert.equal(summary.verdicts[0].ratio?.median, 2);
});

test("a metric that a peer cannot have is left open", () => {
  const metrics = [{ key: "cost", title: "cost", digits: 1 }];
  const peers = [{ peer: "none", samples: [{}] }];
  const summary = summarise({ name: "small", title: "Small", metrics, peers }, "haproxy", "uvs");
  assert.equal(summary.peers[0].figures[0].median, undefined);
});
