import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../../../src/config/duration.js";
import { UvsError } from "../../../src/core/errors.js";

const MEANINGS: readonly [unknown, number][] = [
  ["500ms", 500],
  ["6s", 6000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["1d", 86_400_000],
  ["1.5s", 1500],
  ["1.001s", 1001],
  ["0", 0],
  ["30", 30_000],
  [30, 30_000],
  [0.25, 250],
];

for (const [input, ms] of MEANINGS) {
  test(`the duration ${JSON.stringify(input)} is ${ms} ms`, () => assert.equal(parseDuration(input), ms));
}

const REFUSED = [
  "",
  "5x",
  "-1s",
  "1 s",
  "s",
  "1e3",
  "0.5ms",
  "1s2s",
  "99999999999999d",
  -1,
  1e21,
  Number.NaN,
  null,
  [],
  true,
];

for (const input of REFUSED) {
  test(`the duration ${JSON.stringify(input)} (${typeof input}) is refused as INVALID`, () => {
    assert.throws(
      () => parseDuration(input),
      (error) =>
        error instanceof UvsError && error.code === "INVALID" && /accepted is a duration/.test(error.message),
    );
  });
}
