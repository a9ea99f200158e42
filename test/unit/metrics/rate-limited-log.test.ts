import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { RateLimitedLog, type Warning } from "../../../src/metrics/rate-limited-log.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";

let logger: RecordingLogger;
let limited: RateLimitedLog;
let nowMs = 0;

const about = (what: string) => (): Warning => ({ fields: { what }, message: `no ${what}` });

beforeEach(() => {
  nowMs = 0;
  logger = new RecordingLogger();
  limited = new RateLimitedLog(logger, { nowMs: () => nowMs }, { intervalMs: 1000, maxKeys: 2 });
});

test("the first warning of each key is logged at once", () => {
  limited.warn("a", about("a"));
  limited.warn("b", about("b"));
  limited.warn("a", about("a"));
  assert.deepEqual(logger.messages, ["no a", "no b"]);
});

test("more of a key are counted, and told once the interval is over", () => {
  for (let i = 0; i < 5; i++) limited.warn("a", about("a"));
  nowMs = 999;
  limited.tick();
  assert.equal(logger.records.length, 1);
  nowMs = 1000;
  limited.tick();
  assert.deepEqual(logger.records[1], {
    level: "warn",
    fields: { what: "a", suppressed: 4 },
    message: "no a (4 more)",
  });
});

test("a key that goes on is told once an interval", () => {
  for (nowMs = 0; nowMs < 5000; nowMs += 100) {
    limited.tick();
    limited.warn("a", about("a"));
  }
  assert.deepEqual(
    logger.messages,
    ["no a", ...new Array(4).fill("no a (10 more)")].with(1, "no a (9 more)"),
  );
});

test("after an interval of silence the next warning counts as the first again", () => {
  limited.warn("a", about("a"));
  nowMs = 1000;
  limited.tick();
  limited.warn("a", about("a"));
  assert.deepEqual(logger.messages, ["no a", "no a"]);
});

test("keys beyond the bound are only counted, in one record", () => {
  for (const key of ["a", "b", "c", "d", "c"]) limited.warn(key, about(key));
  nowMs = 1000;
  limited.tick();
  assert.deepEqual(logger.messages, ["no a", "no b", "3 warnings of further kinds were left out"]);
});

test("at the end everything that was held back is told", () => {
  limited.warn("a", about("a"));
  limited.warn("a", about("a"), 7);
  limited.flush();
  assert.deepEqual(logger.messages, ["no a", "no a (7 more)"]);
});
