import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../../src/config/load.js";
import { vrrpSettings } from "../../../src/director/ha/vrrp-settings.js";
import { checkVrrp } from "../../../src/ha/vrrp/peer-settings.js";
import { checkSettings } from "../../../src/ha/vrrp/settings.js";

/** VRRP's settings of a section `ha`. */
function settingsOf(ha: string) {
  const { ha: configured } = parseConfig(`ha:\n  ${ha}`, "uvs.yaml", { schedulers: [] });
  assert.ok(configured !== undefined);
  return vrrpSettings(configured);
}

test("no virtual router is no VRRP", () => {
  assert.equal(settingsOf("scripts: []"), undefined);
});

test("an address that is not advertised is moved, and not named", () => {
  const settings = settingsOf(`floating:
    - { address: 10.0.0.1/24, interface: eth0 }
    - { address: "fd00::1/64", interface: eth1, advertised: false }
  vrrp: { id: 1, interface: eth0 }`);
  const [router] = settings?.routers ?? [];
  assert.deepEqual(router.addresses, ["10.0.0.1"]);
  assert.deepEqual(router.floating, [
    { address: "10.0.0.1", prefix: 24, interface: "eth0" },
    { address: "fd00::1", prefix: 64, interface: "eth1" },
  ]);
});

test("keys of an HMAC are bytes, of text and of hexadecimal digits", () => {
  const settings = settingsOf(`vrrp:
    id: 1
    interface: eth0
    hmac: { keys: [ { id: 1, key: ${"k".repeat(32)} }, { id: 2, key: "0x${"0F".repeat(32)}" } ], active: 2 }`);
  const keys = settings?.routers[0].hmac?.keys;
  assert.deepEqual([...(keys?.get(1) ?? [])], new Array(32).fill(107));
  assert.deepEqual([...(keys?.get(2) ?? [])], new Array(32).fill(15));
});

test("what a file may say of virtual routers, the protocol accepts", () => {
  const settings =
    settingsOf(`floating: [ { address: 10.0.0.1/24, interface: eth0 }, { address: "fe80::1/64", interface: eth0 } ]
  vrrp:
    - { name: a, id: 1, interface: eth0, floating: [ 10.0.0.1 ], password: secret12, track: { scripts: [ { name: s, weight: -5 } ] } }
    - { name: b, id: 1, interface: eth0, version: 3, advertise: 10ms, peers: [ "fe80::2" ], floating: [ "fe80::1" ] }
  scripts: [ { name: s, command: /bin/true } ]
  sync-groups: [ { name: g, members: [ a, b ] } ]
  fencing: [ { node: lvs2, addresses: [ 10.0.0.9, "fe80::2" ], command: /bin/true } ]`);
  assert.ok(settings !== undefined);
  checkVrrp(settings);
  for (const router of settings.routers) assert.ok(Array.isArray(checkSettings(router)));
});
