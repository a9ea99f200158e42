import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";
import { formatIp } from "../../../src/core/address.js";
import { UvsError } from "../../../src/core/errors.js";
import { MAX_INT32 } from "../../../src/core/model.js";
import { configs, SCHEDULERS } from "./arbitraries.js";

const options = { schedulers: SCHEDULERS };

test("any configuration, dumped as YAML, is read as itself and dumped as the same text", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const text = dumpConfig(config);
      const read = parseConfig(text, "uvs.yaml", options);
      assert.deepEqual(read, config);
      assert.equal(dumpConfig(read), text);
    }),
    { numRuns: 300 },
  );
});

/** Pieces that hurt: YAML's own signs, types in wrong places, ends of ranges. */
const SPLINTERS = [
  "\t",
  "\n",
  "\n\n",
  "  ",
  ": ",
  "- ",
  "[",
  "]",
  "{",
  "}",
  "&a ",
  "*a",
  "!!set ",
  "!x ",
  "|",
  ">",
  "? ",
  "'",
  '"',
  "#",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "<<: ",
  "null",
  "true",
  ".nan",
  ".inf",
  "-1",
  "1e400",
  "0x10",
  `${MAX_INT32 + 1}`,
  "\0",
  "\uFEFF",
  "\uD800",
  "__proto__: 1\n",
  "services: 1\n",
  "10.0.0.0-255:80",
  formatIp(6, 1),
  "listen: ",
];

test("a damaged file is read, or refused with errors that name file, line and column; nothing else happens", () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(20),
    insert: fc.oneof(fc.constantFrom(...SPLINTERS), fc.string({ maxLength: 8, unit: "binary" })),
  });
  let refused = 0;
  fc.assert(
    fc.property(configs, fc.array(edit, { minLength: 1, maxLength: 6 }), (config, edits) => {
      let text = dumpConfig(config);
      for (const { at, length, insert } of edits) {
        const start = Math.floor(at * text.length);
        text = text.slice(0, start) + insert + text.slice(start + length);
      }
      try {
        parseConfig(text, "uvs.yaml", options);
      } catch (error) {
        if (!(error instanceof UvsError)) throw error;
        assert.equal(error.code, "CONFIG");
        assert.ok(Number(error.details["count"]) >= 1);
        for (const line of error.message.split("\n"))
          assert.match(line, /^(uvs\.yaml:\d+:\d+: .|\.\.\. and \d+ more)/);
        refused++;
      }
    }),
    { numRuns: 1500 },
  );
  assert.ok(refused > 0);
});

test("any values in the places of the file's keys are read, or refused as CONFIG", () => {
  const shape = fc.record(
    {
      services: fc.oneof(
        fc.anything(),
        fc.array(
          fc.oneof(
            fc.anything(),
            fc.record({
              listen: fc.anything(),
              realservers: fc.anything(),
              sorry: fc.anything(),
              "scheduler-flags": fc.anything(),
            }),
          ),
        ),
      ),
      timeouts: fc.anything(),
      limits: fc.anything(),
      control: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(shape, (value) => {
      const text = JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner));
      try {
        parseConfig(text, "uvs.yaml", options);
      } catch (error) {
        if (!(error instanceof UvsError) || error.code !== "CONFIG") throw error;
      }
    }),
    { numRuns: 500 },
  );
});
