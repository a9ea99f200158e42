import assert from "node:assert/strict";
import { test } from "node:test";
import type { FloatingAddresses } from "../../../../src/ha/resources/floating-addresses.js";
import { type GroupSettings, ResourceGroup } from "../../../../src/ha/resources/group.js";
import type { ResourceRunner } from "../../../../src/ha/resources/runner.js";
import { FakeTimers, settle } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";

function bench(settings: GroupSettings = {}) {
  const said: string[] = [];
  const timers = new FakeTimers();
  const troubles: (string | undefined)[] = [];
  const control = { takeFails: undefined as string | undefined, isStopSlow: false, finishStop: () => {} };
  const addresses: Pick<FloatingAddresses, "take" | "drop" | "announce" | "check" | "isHeld"> = {
    isHeld: false,
    take: () => {
      said.push("take");
      return control.takeFails;
    },
    drop: async () => {
      said.push("drop");
      return undefined;
    },
    announce: () => void said.push("announce"),
    check: () => {},
  };
  const runner: Pick<ResourceRunner, "start" | "stop" | "state"> = {
    state: "stopped",
    start: () => void said.push("start"),
    stop: () => {
      said.push("stop");
      if (!control.isStopSlow) return Promise.resolve();
      return new Promise((resolve) => {
        control.finishStop = () => {
          said.push("stopped");
          resolve();
        };
      });
    },
  };
  const group = new ResourceGroup(settings, {
    addresses: addresses as FloatingAddresses,
    runner: runner as ResourceRunner,
    timers,
    logger: new RecordingLogger(),
    onTrouble: (reason) => troubles.push(reason),
  });
  return { group, said, timers, troubles, control };
}

test("the addresses are taken before the resources are started", async () => {
  const { group, said } = bench();
  group.acquire();
  await settle();
  assert.deepEqual(said, ["take", "start"]);
});

test("in order, the resources are stopped before the addresses go", async () => {
  const { group, said, control } = bench();
  control.isStopSlow = true;
  const released = group.release(false);
  await settle();
  assert.deepEqual(said, ["stop"]);
  control.finishStop();
  await released;
  assert.deepEqual(said, ["stop", "stopped", "drop"]);
});

test("when it is urgent, the addresses go at once, however long a resource takes", async () => {
  const { group, said, control } = bench();
  control.isStopSlow = true;
  await group.release(true);
  assert.deepEqual(said, ["drop", "stop"]);
});

test("a resource that does not stop keeps the addresses only so long", async () => {
  const { group, said, timers, control } = bench({ releaseMs: 3000 });
  control.isStopSlow = true;
  const released = group.release(false);
  await timers.advance(2999);
  assert.deepEqual(said, ["stop"]);
  await timers.advance(1);
  await released;
  assert.deepEqual(said, ["stop", "drop"]);
});

test("a release that is overtaken by an acquisition leaves the addresses", async () => {
  const { group, said, control } = bench();
  control.isStopSlow = true;
  const released = group.release(false);
  group.acquire();
  control.finishStop();
  await released;
  assert.ok(!said.includes("drop"));
});

test("an acquisition that is overtaken by a release starts nothing", async () => {
  const { group, said } = bench();
  group.acquire();
  await group.release(true);
  await settle();
  assert.ok(!said.includes("start"));
});

test("addresses that cannot be taken are trouble, for so long", async () => {
  const { group, said, troubles, timers, control } = bench({ retryMs: 5000 });
  control.takeFails = "could not be added";
  group.acquire();
  await settle();
  assert.deepEqual(troubles, ["could not be added"]);
  assert.ok(!said.includes("start"));
  await timers.advance(5000);
  assert.deepEqual(troubles, ["could not be added", undefined]);
});

test("trouble without a retry stays until it is cleared", async () => {
  const { group, troubles, timers } = bench({ retryMs: 0 });
  group.fail("a resource does not start");
  await timers.advance(1_000_000);
  assert.equal(group.status().trouble, "a resource does not start");
  group.clear();
  assert.deepEqual(troubles, ["a resource does not start", undefined]);
});
