/** Metrics as text, read as Prometheus reads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Metric, renderMetrics, stateSamples } from "../../../src/metrics/exposition.js";
import { parseExposition } from "../../helpers/prometheus.js";

type Values = Readonly<Record<string, number>>;
const METRIC: Metric<Values> = {
  name: "uvs_test",
  kind: "gauge",
  help: "What it is.",
  labels: ["name"],
  read: (values) => Object.entries(values).map(([name, value]) => ({ labels: { name }, value })),
};

test("a metric is written with help, type, and one line a sample", async () => {
  const text = await renderMetrics([METRIC], { a: 1, b: 0.25 });
  assert.equal(
    text.trim(),
    '# HELP uvs_test What it is.\n# TYPE uvs_test gauge\nuvs_test{name="a"} 1\nuvs_test{name="b"} 0.25',
  );
});

test("a counter is written as one, with what was counted", async () => {
  const text = await renderMetrics([{ ...METRIC, kind: "counter" }], { a: 7 });
  assert.match(text, /^# TYPE uvs_test counter\nuvs_test\{name="a"\} 7$/m);
});

test("a metric without samples is left out", async () => {
  assert.equal((await renderMetrics([METRIC], {})).trim(), "");
});

test("whatever a label's value is, the text can be read, and says the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (name) => {
      const text = await renderMetrics([METRIC], { [name]: 7 });
      const [[key]] = parseExposition(text).get("uvs_test")?.samples ?? [];
      const words = { "\\\\": "\\", "\\n": "\n", '\\"': '"' } as Record<string, string>;
      assert.equal(
        key.slice(6, -1).replace(/\\[\\n"]/g, (found) => words[found]),
        name,
      );
    }),
    { verbose: true },
  );
});

test("a state is 1 among states that are 0", () => {
  assert.deepEqual(
    stateSamples(["up", "down"], "down", { of: "x" }).map(({ labels, value }) => [labels, value]),
    [
      [{ of: "x", state: "up" }, 0],
      [{ of: "x", state: "down" }, 1],
    ],
  );
});
