/** What is made of the schema by hand or by script has to keep up with it: JSON Schema, documentation, examples. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { configJsonSchema } from "../../../src/config/json-schema.js";
import { loadConfig, parseConfig } from "../../../src/config/load.js";
import { SCHEDULER_NAMES } from "../../../src/schedulers/registry.js";

/** The repository, from the compiled test: `<build folder>/test/unit/config`. */
const root = new URL("../../../../", import.meta.url);
const options = { schedulers: SCHEDULER_NAMES };

type JsonSchema = {
  readonly properties?: Record<string, JsonSchema>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly default?: unknown;
};

/** Every key of a schema with what is said about it; keys of mappings in the top level as `timeouts.tcp`. */
function keysOf(schema: JsonSchema, prefix = ""): [string, JsonSchema][] {
  // Of an entry that may stand for a list of one, the list says the same again.
  const forms = schema.anyOf ?? [];
  const single = forms.filter((form) => !(form.items && forms.some(({ properties }) => properties)));
  const inner = [...single, ...(schema.items ? [schema.items] : [])];
  return [
    ...inner.flatMap((part) => keysOf(part)),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, value]): [string, JsonSchema][] => [
      [prefix + key, value],
      ...keysOf(value, `${key}.`),
    ]),
  ];
}

const keys = keysOf(configJsonSchema(SCHEDULER_NAMES) as JsonSchema);

test("docs/uvs.schema.json is up to date (if not: npm run build && node scripts/write-json-schema.mjs)", () => {
  const written = JSON.parse(readFileSync(new URL("docs/uvs.schema.json", root), "utf8"));
  assert.deepEqual(written, JSON.parse(JSON.stringify(configJsonSchema(SCHEDULER_NAMES))));
});

test("every key has a description", () => {
  assert.ok(keys.length > 30);
  assert.deepEqual(
    keys.filter(([, schema]) => !schema.description).map(([key]) => key),
    [],
  );
});

test("docs/configuration.md has a row for every key, with its default, and for no other", () => {
  const text = readFileSync(new URL("docs/configuration.md", root), "utf8");
  const fourColumns = /^\| `([^`]+)` \|([^|]*)\|[^|]*\|[^|]*\|$/gm;
  const rows = [...text.matchAll(fourColumns)].map(([, key, value]) => ({ key, value: value.trim() }));
  assert.deepEqual(rows.map(({ key }) => key).sort(), keys.map(([key]) => key).sort());
  for (const [key, schema] of keys) {
    if (schema.default === undefined || typeof schema.default === "object") continue;
    const shown = rows.filter((row) => row.key === key).map(({ value }) => value.replace(/[`"]/g, ""));
    assert.ok(shown.includes(String(schema.default)), `default of ${key}: ${shown.join(", ")}`);
  }
});

test("the complete example of docs/configuration.md loads", () => {
  const text = readFileSync(new URL("docs/configuration.md", root), "utf8");
  const blocks = [...text.matchAll(/^```yaml\n(services:.*?)^```/gms)];
  assert.equal(blocks.length, 1);
  const config = parseConfig(blocks[0][1], "docs/configuration.md", options);
  assert.equal(config.services[0].realservers.length, 7);
});

const examples = readdirSync(new URL("examples/", root)).filter((name) => name.endsWith(".yaml"));

test("there are examples", () => assert.ok(examples.includes("uvs.yaml")));

for (const name of examples) {
  test(`examples/${name} loads and has services`, () => {
    const config = loadConfig(new URL(`examples/${name}`, root).pathname, options);
    assert.ok(config.services.length > 0);
  });
}
