import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { median, roundRatios, spread } from "../../../bench/stats.js";

test("the median is the middle value, or the mean of the two middle ones", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
});

test("the median has as many values above as below it, in whatever order they come", () => {
  const property = fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
    const middle = median(values);
    const above = values.filter((value) => value > middle).length;
    const below = values.filter((value) => value < middle).length;
    assert.ok(above <= values.length / 2 && below <= values.length / 2);
  });
  fc.assert(property);
});

test("a spread has the median between the least and the greatest value", () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.equal(spread([]), undefined);
});

test("ratios are taken round by round, and a round with a gap on either side gives none", () => {
  assert.deepEqual(roundRatios([1, 2, undefined, 8], [2, undefined, 5, 4]), [0.5, 2]);
});

test("a baseline of zero gives no ratio", () => {
  assert.deepEqual(roundRatios([1, 2], [0, 2]), [1]);
});
