/** How many descriptors pipes may take from connections. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pipesPerThread } from "../../../../src/dataplane/native/pipes.js";

test("the pipes of all threads together take at most an eighth of the descriptors", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 20 }),
      fc.integer({ min: 1, max: 64 }),
      (descriptors, threads) => {
        assert.ok(2 * threads * pipesPerThread(descriptors, threads) <= descriptors / 8);
      },
    ),
  );
});

test("a thread has 128 pipes where descriptors are plenty", () => {
  assert.deepEqual(
    [1, 2, 4].map((threads) => pipesPerThread(20_000, threads)),
    [128, 128, 128],
  );
  assert.equal(pipesPerThread(Number.POSITIVE_INFINITY, 1), 128);
});
