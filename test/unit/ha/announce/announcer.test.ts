import assert from "node:assert/strict";
import { test } from "node:test";
import { UvsError } from "../../../../src/core/errors.js";
import { Announcer, type AnnounceSettings } from "../../../../src/ha/announce/announcer.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";

function announcer(settings: AnnounceSettings = {}, addresses = ["10.0.0.100"]) {
  const timers = new FakeTimers();
  const logger = new RecordingLogger();
  const sentAtMs: number[] = [];
  let failure: UvsError | undefined;
  const raw = {
    frames() {
      if (failure !== undefined) throw failure;
      return {
        hardwareAddress: new Uint8Array(6),
        send(): string | undefined {
          sentAtMs.push(timers.nowMs());
          return undefined;
        },
      };
    },
  };
  const announced = addresses.map((address) => ({ address, interface: "eth0" }));
  return {
    timers,
    logger,
    sentAtMs,
    announcer: new Announcer(announced, settings, { raw, timers, logger }),
    fail: (error: UvsError | undefined) => {
      failure = error;
    },
  };
}

/** How many frames were sent at which time. */
function counts(sentAtMs: readonly number[]): Record<number, number> {
  const found: Record<number, number> = {};
  for (const at of sentAtMs) found[at] = (found[at] ?? 0) + 1;
  return found;
}

test("five at once, single ones at 1, 2, 4 and 8 s, five more after 5 s, then one a minute", async () => {
  const { announcer: subject, timers, sentAtMs } = announcer();
  subject.start();
  await timers.advance(200_000);
  assert.deepEqual(counts(sentAtMs), {
    0: 5,
    1000: 1,
    2000: 1,
    4000: 1,
    5000: 5,
    8000: 1,
    68000: 1,
    128000: 1,
    188000: 1,
  });
  assert.equal(subject.sent, sentAtMs.length);
});

test("repeat, delay and refresh are as configured", async () => {
  const { announcer: subject, timers, sentAtMs } = announcer({ repeat: 2, delayMs: 0, refreshMs: 0 });
  subject.start();
  await timers.advance(200_000);
  assert.deepEqual(counts(sentAtMs), { 0: 2, 1000: 1, 2000: 1, 4000: 1, 8000: 1 });
});

test("each address is announced", () => {
  const { announcer: subject, sentAtMs } = announcer({}, ["10.0.0.100", "fd79::1"]);
  subject.start();
  assert.equal(sentAtMs.length, 10);
});

test("nothing is sent after the stop, and a new start begins anew", async () => {
  const { announcer: subject, timers, sentAtMs } = announcer();
  subject.start();
  await timers.advance(1500);
  subject.stop();
  await timers.advance(100_000);
  assert.equal(sentAtMs.length, 6);
  subject.start();
  assert.equal(sentAtMs.length, 11);
});

test("a socket that cannot be opened is told once, and tried again", async () => {
  const { announcer: subject, timers, sentAtMs, logger, fail } = announcer();
  fail(new UvsError("SYSCALL", "if_nametoindex on eth0 failed with ENODEV"));
  subject.start();
  await timers.advance(2500);
  assert.equal(logger.messages.filter((message) => message.includes("ENODEV")).length, 1);
  fail(undefined);
  await timers.advance(2000);
  assert.equal(sentAtMs.length, 1);
});
