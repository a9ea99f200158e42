import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isoTimes } from "../../../src/health/iso-time.js";

test("times are written as Date writes them", () => {
  const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(
    fc.property(
      time,
      fc.array(fc.double({ min: 0, max: 1e10, noNaN: true }), { maxLength: 20 }),
      (offset, all) => {
        const toIso = isoTimes(offset);
        for (const ms of all) assert.equal(toIso(ms), new Date(offset + ms).toISOString());
      },
    ),
  );
});
