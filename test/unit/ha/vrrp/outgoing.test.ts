import assert from "node:assert/strict";
import { test } from "node:test";
import { isLater, TRAILER_BYTES, verifyTrailer } from "../../../../src/ha/vrrp/hmac-trailer.js";
import { Outbox } from "../../../../src/ha/vrrp/outgoing.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import { VRRP_SETTINGS } from "../../../helpers/vrrp-settings.js";

const KEYS = new Map([[1, new Uint8Array(32).fill(7)]]);
const SETTINGS: InstanceSettings = {
  ...VRRP_SETTINGS,
  hmac: { keys: KEYS, activeKey: 1, mode: "enforce", windowMs: 5000 },
};
const SOURCE = "10.0.0.1";

function sequenceOf(message: Uint8Array) {
  const at = message.length - TRAILER_BYTES;
  const sequence = verifyTrailer(message.subarray(0, at), SOURCE, message.subarray(at), KEYS);
  assert.ok(typeof sequence !== "string", String(sequence));
  return sequence;
}

test("a farewell that was made beforehand is later than what is sent after it was made", (t) => {
  t.mock.method(Date, "now", () => 1e12);
  const outbox = new Outbox(SETTINGS, undefined);
  const [farewell] = outbox.farewell(SOURCE);
  assert.equal(farewell.message[2], 0, "priority 0");
  const [advertisement] = outbox.messages(SOURCE, 100);
  assert.ok(isLater(sequenceOf(farewell.message), sequenceOf(advertisement.message)));
});

test("making a farewell does not move the sequence of what is sent", (t) => {
  t.mock.method(Date, "now", () => 1e12);
  const outbox = new Outbox(SETTINGS, undefined);
  const [before] = outbox.messages(SOURCE, 100);
  outbox.farewell(SOURCE);
  const [after] = outbox.messages(SOURCE, 100);
  const [first, second] = [sequenceOf(before.message), sequenceOf(after.message)];
  assert.ok(isLater(second, first));
  assert.equal(second.seconds, first.seconds);
});

test("a clock that is set back within the peers' window moves neither advertisements nor farewells back", (t) => {
  let nowMs = 1e12;
  t.mock.method(Date, "now", () => nowMs);
  const outbox = new Outbox(SETTINGS, undefined);
  const [before] = outbox.messages(SOURCE, 100);
  nowMs -= 4000;
  const [farewell] = outbox.farewell(SOURCE);
  const [after] = outbox.messages(SOURCE, 100);
  assert.ok(isLater(sequenceOf(after.message), sequenceOf(before.message)));
  assert.ok(isLater(sequenceOf(farewell.message), sequenceOf(after.message)));
});

test("a clock that is set back by more than the peers' window is followed: they have refused what was later", (t) => {
  let nowMs = 1e12 + 3_600_000;
  t.mock.method(Date, "now", () => nowMs);
  const outbox = new Outbox(SETTINGS, undefined);
  outbox.messages(SOURCE, 100);
  nowMs = 1e12;
  for (const make of [() => outbox.farewell(SOURCE), () => outbox.messages(SOURCE, 100)]) {
    assert.ok(Math.abs(sequenceOf(make()[0].message).seconds - nowMs / 1000) < 5);
  }
});
