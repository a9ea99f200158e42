/** Reads metrics as Prometheus does (text format 0.0.4), and refuses what it would refuse or warn of. */
import assert from "node:assert/strict";

/** One metric. */
export interface MetricFamily {
  readonly kind: string;
  readonly help: string;
  /** By their labels, sorted and written as in the text: `instance="a",state="MASTER"`; empty without labels. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)$/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y;

/** The metrics of a text, by their names. */
export function parseExposition(text: string): Map<string, MetricFamily> {
  const families = new Map<string, { kind: string; help: string; samples: Map<string, number> }>();
  assert.ok(text.endsWith("\n"), "the last line ends");
  let help: readonly [name: string, text: string] | undefined;
  let present = "";
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const [, comment, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (comment === "HELP") {
      help = [name, rest];
    } else if (comment === "TYPE") {
      assert.match(name, NAME);
      assert.ok(["counter", "gauge"].includes(rest), line);
      assert.equal(help?.[0], name, `${line}: help stands before`);
      assert.ok(!families.has(name), `${line}: once`);
      families.set(name, { kind: rest, help: help?.[1] ?? "", samples: new Map() });
      present = name;
    } else {
      const [, of, labels = "", value] = SAMPLE.exec(line) ?? [];
      assert.equal(of, present, `${line}: stands behind its type`);
      const key = readLabels(labels, line);
      const { samples } = families.get(of) ?? assert.fail(line);
      assert.ok(!samples.has(key), `${line}: once`);
      assert.ok(Number.isFinite(Number(value)), `${line}: a number`);
      samples.set(key, Number(value));
    }
  }
  return families;
}

/** A value, by metric and labels. */
export function sample(
  families: ReadonlyMap<string, MetricFamily>,
  name: string,
  labels = "",
): number | undefined {
  return families.get(name)?.samples.get(labels);
}

function readLabels(text: string, line: string): string {
  const pairs: string[] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? assert.fail(line);
    pairs.push(`${name}="${value}"`);
  }
  assert.equal(
    new Set(pairs.map((pair) => pair.split("=")[0])).size,
    pairs.length,
    `${line}: each label once`,
  );
  return pairs.sort().join(",");
}
