import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatPorts, parsePorts } from "../../../src/core/port-list.js";

test("an item is a port or a range", () => {
  assert.deepEqual(parsePorts("21"), [21]);
  assert.deepEqual(parsePorts("1024-1027"), [1024, 1025, 1026, 1027]);
});

for (const text of ["", "0", "65536", "5-3", "1-", "-1", "1-2-3", "http", " 1", "1-65536"]) {
  test(`"${text}" is neither`, () => assert.equal(parsePorts(text), undefined));
}

test("what is formatted is short, and parses to the same ports", () => {
  assert.deepEqual(formatPorts([443, 80, 81, 82, 80]), ["80-82", "443"]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65535 })), (ports) => {
      const parsed = formatPorts(ports).flatMap((item) => parsePorts(item) ?? []);
      assert.deepEqual(
        parsed,
        ports.toSorted((a, b) => a - b),
      );
    }),
  );
});
