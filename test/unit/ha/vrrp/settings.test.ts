import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSettings, type InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import { VRRP_SETTINGS } from "../../../helpers/vrrp-settings.js";

const GOOD: InstanceSettings = { ...VRRP_SETTINGS, advertMs: 1000 };

const REFUSED: readonly [string, Partial<InstanceSettings>, RegExp][] = [
  ["id 0", { id: 0 }, /vrrp vi: id: found 0, accepted is 1 to 255/],
  ["id 256", { id: 256 }, /id: found 256/],
  ["priority 0", { priority: 0 }, /priority: found 0, accepted is 1 to 255/],
  ["half a second with version 2", { version: 2, advertMs: 500 }, /found 500 ms, accepted is whole seconds/],
  ["256 s with version 2", { version: 2, advertMs: 256_000 }, /found 256000 ms/],
  ["5 ms", { advertMs: 5 }, /found 5 ms, accepted is 10 ms to 40.95 s/],
  ["15 ms", { advertMs: 15 }, /steps of 10 ms/],
  ["41 s with version 3", { advertMs: 41_000 }, /found 41000 ms/],
  ["version 2 with IPv6", { version: 2, family: 6, addresses: [] }, /version: found 2, accepted is 3/],
  [
    "an address of the other family",
    { addresses: ["fe80::1"] },
    /addresses: found fe80::1, accepted is an IPv4/,
  ],
  ["a password with version 3", { password: "x" }, /none with version 3/],
  ["unicast without peers", { unicast: { peers: [] } }, /peers: found none, accepted is at least one/],
  ["a weight of 254", { track: [{ kind: "script", name: "a", weight: 254 }] }, /track a weight: found 254/],
  [
    "a weight at the owner",
    { priority: 255, track: [{ kind: "script", name: "a", weight: 1 }] },
    /0 where the priority is 255/,
  ],
];

for (const [name, change, message] of REFUSED) {
  test(`${name} is refused with what is accepted`, () => {
    assert.throws(() => checkSettings({ ...GOOD, ...change }), { code: "INVALID", message });
  });
}

for (const change of [
  {},
  { advertMs: 10 },
  { advertMs: 40_950 },
  { version: 2 as const, advertMs: 255_000 },
  { addresses: [] },
  { priority: 255 },
]) {
  test(`${JSON.stringify(change)} is accepted`, () => {
    checkSettings({ ...GOOD, ...change });
  });
}

test("what is allowed and unwise is warned of", () => {
  assert.deepEqual(checkSettings(GOOD), []);
  assert.match(checkSettings({ ...GOOD, advertMs: 20 })[0], /looks like a dead one/);
  assert.match(checkSettings({ ...GOOD, version: 2, password: "123456789" })[0], /first 8 bytes/);
  assert.match(checkSettings({ ...GOOD, family: 6, addresses: ["fd00::1"] })[0], /link-local/);
});
