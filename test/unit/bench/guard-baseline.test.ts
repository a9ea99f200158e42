import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare, type Figures } from "../../../bench/guard/baseline.js";

/** The figures that fail. */
function failing(found: Figures, recorded: Figures): string[] {
  return compare(found, recorded).flatMap(({ figure, passes }) => (passes ? [] : [figure]));
}

describe("the guard", () => {
  test("passes what was recorded, and less", () => {
    const recorded = { "recv per request": 2, "heap bytes per request": 0.1, "CPU per request": 0.8 };
    assert.deepEqual(failing(recorded, recorded), []);
    assert.deepEqual(failing({ ...recorded, "recv per request": 1 }, recorded), []);
  });

  test("fails one system call more in ten requests", () => {
    assert.deepEqual(failing({ "recv per request": 2.1 }, { "recv per request": 2 }), ["recv per request"]);
  });

  test("fails a system call that was not made before, and passes one that is gone", () => {
    assert.deepEqual(failing({ "fcntl per request": 1 }, { "recv per request": 2 }), ["fcntl per request"]);
  });

  test("fails one number on the heap for each request", () => {
    const recorded = { "heap bytes per request": 0.1 };
    assert.deepEqual(failing({ "heap bytes per request": 16.1 }, recorded), ["heap bytes per request"]);
    assert.deepEqual(failing({ "heap bytes per request": 5 }, recorded), []);
  });

  test("lets scheduling and other load move batches and processor time, within limits", () => {
    const recorded = { "epollWait per connection": 6, "CPU per request": 0.8 };
    assert.deepEqual(failing({ "epollWait per connection": 8, "CPU per request": 1 }, recorded), []);
    const worse = { "epollWait per connection": 9.1, "CPU per request": 1.1 };
    assert.deepEqual(failing(worse, recorded), ["epollWait per connection", "CPU per request"]);
  });
});
