import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPath, parseYaml } from "../../../src/config/document.js";

/** Problems as `line:column path: message`. */
function problemsOf(text: string): string[] {
  const document = parseYaml(text);
  return document.problems.map(({ offset, path, message }) => {
    const { line, column } = document.positionOf(offset);
    return `${line}:${column} ${formatPath(path)}: ${message}`;
  });
}

/** Line and column of a path. */
function place(text: string, path: (string | number)[], part: "key" | "value" = "value"): string {
  const document = parseYaml(text);
  const { line, column } = document.positionOf(document.offsetOf(path, part));
  return `${line}:${column}`;
}

test("empty text and comments alone are null without problems", () => {
  for (const text of ["", "\n\n", "# nothing yet\n", "---\n"]) {
    const { value, problems } = parseYaml(text);
    assert.equal(value, null);
    assert.deepEqual(problems, []);
  }
});

test("a value and its key are found at their places", () => {
  const text = "a:\n  - b: 1\n    c: { d: x }\n  -   e\n";
  assert.equal(place(text, ["a"], "key"), "1:1");
  assert.equal(place(text, ["a", 0, "b"]), "2:8");
  assert.equal(place(text, ["a", 0, "c", "d"], "key"), "3:10");
  assert.equal(place(text, ["a", 0, "c", "d"]), "3:13");
  assert.equal(place(text, ["a", 1]), "4:7");
});

test("what is missing is placed at the nearest value around it", () => {
  assert.equal(place("a:\n  - b: 1\n", ["a", 0, "c", "d"]), "2:5");
  assert.equal(place("", ["a"]), "1:1");
});

test("a value behind an alias is found where the anchor is", () => {
  assert.equal(place("a: &x { b: 1 }\nc: *x\n", ["c", "b"]), "1:12");
  assert.equal(place("a: &x { b: 1 }\nc: *x\n", ["c"]), "2:4");
});

test("an alias stands for the anchor before it, also where an anchor is used twice", () => {
  assert.deepEqual(parseYaml("[&x 1, *x, &x 2, *x]").value, [1, 1, 2, 2]);
});

test("a duplicate key is placed at its second occurrence", () => {
  assert.deepEqual(problemsOf("a: 1\nb:\n  c: 1\n  c: 2\n"), [
    "4:3 b.c: duplicate key, accepted is each key once",
  ]);
});

test("tabs as indentation are placed at the tab", () => {
  assert.deepEqual(problemsOf("a:\n\tb: 1\n"), [
    "2:1 file: YAML syntax: Tabs are not allowed as indentation",
  ]);
});

test("all syntax errors of a text are reported at once", () => {
  assert.deepEqual(problemsOf('a: "\\q"\nb: c: d\n'), [
    "1:5 file: YAML syntax: Invalid escape sequence \\q",
    "2:4 file: YAML syntax: Nested mappings are not allowed in compact mappings",
  ]);
});

test("an address in brackets without quotes is explained", () => {
  for (const text of ["- [fd77::1]:80\n", "{ a: [fd77::1-2]:80, b: 1 }"]) {
    assert.match(problemsOf(text)[0], /an address in brackets must stand in quotes, as "\[fd77::1\]:80"$/);
  }
});

test("a second document, an unknown tag, a list as key and a wrong directive are problems", () => {
  assert.match(problemsOf("a: 1\n---\nb: 1\n")[0], /^2:1 file: found a second document/);
  assert.match(problemsOf("a: !secret b\n")[0], /^1:4 file: YAML syntax: Unresolved tag: !secret/);
  assert.match(problemsOf("? [a]\n: 1\n")[0], /keys must be strings/);
  assert.match(problemsOf("%YAML 9\n---\na: 1\n")[0], /^1:7 file: YAML syntax: Unsupported YAML version 9/);
});

test("an alias without anchor, and one inside of its own anchor, are problems", () => {
  assert.deepEqual(problemsOf("a: *b\n"), ["1:4 a: found the alias *b, which has no anchor before it"]);
  assert.deepEqual(problemsOf("a: &a [*a]\n"), ["1:8 a[0]: found the alias *a, which contains itself"]);
});

test("aliases that unfold to more than a million values are refused before they do", () => {
  const levels = Array.from({ length: 60 }, (_, i) => `k${i + 1}: &k${i + 1} [*k${i}, *k${i}]`);
  const [problem, ...others] = problemsOf(`k0: &k0 x\n${levels.join("\n")}\n`);
  assert.match(problem, /k19: found 1048575 values \(aliases unfolded\), accepted are at most 1000000$/);
  assert.ok(others.length > 0 && others.every((other) => other.includes("(aliases unfolded)")));
});

test("nesting beyond 64 levels is refused, however deep it would go", () => {
  for (const text of ["[".repeat(50_000), "{a: ".repeat(20_000), "- ".repeat(20_000)]) {
    const [problem] = problemsOf(text);
    assert.match(problem, /nested too deeply, accepted are at most 64 levels$/);
  }
});

test("keys that have a meaning in JavaScript are ordinary keys", () => {
  const value = parseYaml("__proto__: 1\nconstructor: 2\n").value as Record<string, unknown>;
  assert.deepEqual(Object.entries(value), [
    ["__proto__", 1],
    ["constructor", 2],
  ]);
});

test("a path is written with dots, indexes, and quotes where a key is no word", () => {
  assert.equal(formatPath([]), "file");
  assert.equal(
    formatPath(["services", 0, "realservers", 12, "upper-threshold"]),
    "services[0].realservers[12].upper-threshold",
  );
  assert.equal(formatPath(["a b", "c"]), '["a b"].c');
});
