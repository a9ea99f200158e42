/** When interfaces are looked at, and what is told of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkWatch } from "../../../../src/ha/links/link-watch.js";
import { FakeInterfaces } from "../../../helpers/fake-interfaces.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";

const ETH0 = 2;

/** A watch on `eth0`, what it has told, and how the kernel tells it that an interface has changed. */
function watch(onLook: (addresses: readonly string[]) => void) {
  const timers = new FakeTimers();
  const interfaces = new FakeInterfaces();
  let changed: (index: number) => void = () => {};
  const made = new LinkWatch(["eth0"], {
    interfaces,
    raw: {
      watchInterfaces: (onChange) => {
        changed = onChange;
        return { close: () => {} };
      },
      interfaceIndex: () => ETH0,
    },
    timers,
    logger: new RecordingLogger(),
    onLook: ({ addresses }) => onLook([...addresses]),
  });
  made.start();
  return { timers, interfaces, changed: (index = ETH0) => changed(index) };
}

test("tells what it sees also where that was so the last time: what was done since then was undone", async () => {
  const told: string[] = [];
  const { timers, interfaces, changed } = watch((addresses) => told.push(addresses.join()));
  await timers.advance(1000);
  changed();
  interfaces.addresses.get("eth0")?.add("10.0.0.100");
  interfaces.addresses.get("eth0")?.delete("10.0.0.100");
  changed();
  await timers.advance(1000);
  assert.deepEqual(told, ["", "", ""]);
});

test("many changes in a row are looked at twice, the last time after all of them", async () => {
  const told: string[] = [];
  const { timers, interfaces, changed } = watch((addresses) => told.push(addresses.join()));
  await timers.advance(1000);
  for (let i = 1; i <= 50; i++) {
    interfaces.addresses.get("eth0")?.add(`10.0.0.${i}`);
    changed();
  }
  await timers.advance(1000);
  assert.deepEqual(
    told.map((addresses) => addresses.split(",").filter((address) => address !== "").length),
    [0, 1, 50],
  );
});

test("changes of other interfaces are not looked at", async () => {
  let looks = 0;
  const { timers, changed } = watch(() => looks++);
  await timers.advance(1000);
  changed(ETH0 + 1);
  await timers.advance(1000);
  assert.equal(looks, 1);
});
