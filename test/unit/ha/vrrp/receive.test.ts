/** Why a packet is dropped, each reason by itself (reference: ha.md §2.6). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChecksumForm } from "../../../../src/ha/vrrp/checksum.js";
import { type Advertisement, encode, passwordAuthentication } from "../../../../src/ha/vrrp/codec.js";
import { Outbox } from "../../../../src/ha/vrrp/outgoing.js";
import { type Accepted, Receiver } from "../../../../src/ha/vrrp/receive.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import type { ReceivedPacket } from "../../../../src/ha/vrrp/transport.js";

const OWN = "10.0.0.2";
const PEER = "10.0.0.1";
const PASSWORD = passwordAuthentication("secret12");
const V2: InstanceSettings = {
  name: "vi",
  interface: "eth0",
  id: 51,
  version: 2,
  family: 4,
  priority: 100,
  advertMs: 1000,
  addresses: ["10.0.0.100"],
};
const V3: InstanceSettings = { ...V2, version: 3 };
const UNICAST: InstanceSettings = {
  ...V3,
  unicast: { peers: [{ address: PEER, minTtl: 250, maxTtl: 254 }] },
};
const ADVERT: Advertisement = {
  version: 3,
  vrid: 51,
  priority: 150,
  intervalCs: 100,
  addresses: ["10.0.0.100"],
};
const ADVERT_V2: Advertisement = { ...ADVERT, version: 2 };
const HMAC = {
  keys: new Map([[1, new Uint8Array(32).fill(7)]]),
  activeKey: 1,
  mode: "enforce" as const,
  windowMs: 5000,
};

function packet(advertisement: Advertisement, changes: Partial<ReceivedPacket> = {}): ReceivedPacket {
  const envelope = { source: PEER, destination: "224.0.0.18", ...changes };
  return {
    ...envelope,
    isMulticast: true,
    hopLimit: 255,
    payload: encode(advertisement, envelope),
    ...changes,
  };
}

const unicast = (changes: Partial<ReceivedPacket> = {}): ReceivedPacket =>
  packet(ADVERT, { destination: OWN, isMulticast: false, hopLimit: 252, ...changes });

const check = (settings: InstanceSettings, received: ReceivedPacket) => {
  const password = settings.password === undefined ? undefined : passwordAuthentication(settings.password);
  return new Receiver(settings, password).check(received, OWN);
};

const DROPPED: readonly [string, InstanceSettings, ReceivedPacket, string][] = [
  ["a TTL of 254", V3, packet(ADVERT, { hopLimit: 254 }), "ip_ttl_err"],
  ["a truncated packet", V3, packet(ADVERT, { payload: new Uint8Array(7) }), "packet_len_err"],
  ["version 2 at an instance of version 3", V3, packet(ADVERT_V2), "version_err"],
  ["version 3 at an instance of version 2", V2, packet(ADVERT), "version_err"],
  [
    "IP authentication",
    V2,
    packet({ ...ADVERT_V2, authentication: { type: 2, data: new Uint8Array(8) } }),
    "invalid_authtype",
  ],
  [
    "a password where none is configured",
    V2,
    packet({ ...ADVERT_V2, authentication: PASSWORD }),
    "authtype_mismatch",
  ],
  [
    "no password where one is configured",
    { ...V2, password: "secret12" },
    packet(ADVERT_V2),
    "authtype_mismatch",
  ],
  [
    "a wrong password",
    { ...V2, password: "secret12" },
    packet({ ...ADVERT_V2, authentication: passwordAuthentication("secret13") }),
    "auth_failure",
  ],
  ["another interval of version 2", V2, packet({ ...ADVERT_V2, intervalCs: 200 }), "advert_interval_err"],
  ["an interval of 0", V3, packet({ ...ADVERT, intervalCs: 0 }), "advert_interval_err"],
  ["no addresses", V3, packet({ ...ADVERT, addresses: [] }), "no_addresses"],
  ["multicast at a unicast instance", UNICAST, packet(ADVERT), "mcast_mode_err"],
  ["unicast at a multicast instance", V3, unicast({ hopLimit: 255 }), "mcast_mode_err"],
  ["a sender that is no peer", UNICAST, unicast({ source: "10.0.0.7" }), "unlisted_peer"],
  ["a TTL above the peer's range", UNICAST, unicast({ hopLimit: 255 }), "ip_ttl_err"],
  ["a TTL below the peer's range", UNICAST, unicast({ hopLimit: 249 }), "ip_ttl_err"],
  ["our own address as the sender", V3, packet(ADVERT, { source: OWN }), "own_address"],
  ["an unsigned packet", { ...V3, hmac: HMAC }, packet(ADVERT), "auth_ext_missing"],
];

for (const [name, settings, received, reason] of DROPPED) {
  test(`${name} is dropped as ${reason}`, () => {
    assert.equal(check(settings, received), reason);
  });
}

const ACCEPTED: readonly [string, InstanceSettings, ReceivedPacket][] = [
  ["version 2", V2, packet(ADVERT_V2)],
  ["version 3", V3, packet(ADVERT)],
  [
    "the right password",
    { ...V2, password: "secret12 and more" },
    packet({ ...ADVERT_V2, authentication: PASSWORD }),
  ],
  ["another interval of version 3", V3, packet({ ...ADVERT, intervalCs: 5 })],
  ["a TTL within the peer's range", UNICAST, unicast()],
  ["no addresses where we have none either", { ...V3, addresses: [] }, packet({ ...ADVERT, addresses: [] })],
];

for (const [name, settings, received] of ACCEPTED) {
  test(`${name} is accepted`, () => {
    assert.equal(typeof check(settings, received), "object");
  });
}

test("other addresses are accepted and told", () => {
  const found = check(V3, packet({ ...ADVERT, addresses: ["10.0.0.101"] })) as Accepted;
  assert.equal(found.hasOtherAddresses, true);
  assert.equal((check(V3, packet(ADVERT)) as Accepted).hasOtherAddresses, false);
});

for (const form of [
  "pseudo-header",
  "message-only",
  "multicast-pseudo-header",
] as const satisfies ChecksumForm[]) {
  test(`version 3 over IPv4 is accepted with a checksum of the form ${form}`, () => {
    const envelope = { source: PEER, destination: OWN };
    const received = unicast({ payload: encode(ADVERT, envelope, form) });
    assert.equal((check(UNICAST, received) as Accepted).checksumForm, form);
  });
}

/** A signed packet of a peer with these settings. */
function signed(settings: InstanceSettings): ReceivedPacket {
  const [{ destination, message }] = new Outbox(settings, undefined).messages(PEER, 150);
  return { source: PEER, destination, isMulticast: true, hopLimit: 255, payload: message };
}

const SIGNING: InstanceSettings = { ...V3, hmac: HMAC };
const accepts = (settings: InstanceSettings, received: ReceivedPacket): boolean =>
  typeof check(settings, received) === "object";

test("a signed packet is accepted by who has the key", () => {
  assert.ok(accepts(SIGNING, signed(SIGNING)));
});

test("a signed packet is dropped by who has no keys", () => {
  assert.equal(check(V3, signed(SIGNING)), "packet_len_err");
});

test("a packet signed with another key is dropped", () => {
  const other = { ...V3, hmac: { ...HMAC, keys: new Map([[1, new Uint8Array(32).fill(8)]]) } };
  assert.equal(check(other, signed(SIGNING)), "auth_ext_invalid_hmac");
});

for (const mode of ["permissive", "receive-only"] as const) {
  test(`the mode ${mode} accepts unsigned packets`, () => {
    assert.ok(accepts({ ...V3, hmac: { ...HMAC, mode } }, packet(ADVERT)));
  });
}

test("the mode receive-only signs nothing", () => {
  assert.ok(accepts(V3, signed({ ...V3, hmac: { ...HMAC, mode: "receive-only" } })));
});

test("a signed packet that comes again is dropped", () => {
  const receiver = new Receiver(SIGNING, undefined);
  const received = signed(SIGNING);
  assert.equal(typeof receiver.check(received, OWN), "object");
  assert.equal(receiver.check(received, OWN), "auth_ext_replay");
});

test("packets of one sender that follow each other at once are all accepted", () => {
  const receiver = new Receiver(SIGNING, undefined);
  const outbox = new Outbox(SIGNING, undefined);
  for (let i = 0; i < 1000; i++) {
    const [{ destination, message }] = outbox.messages(PEER, 150);
    const received = { source: PEER, destination, isMulticast: true, hopLimit: 255, payload: message };
    assert.equal(typeof receiver.check(received, OWN), "object");
  }
});

test("a signed packet from outside of the window is dropped", () => {
  const receiver = new Receiver(SIGNING, undefined, () => Date.now() / 1000 + 60);
  assert.equal(receiver.check(signed(SIGNING), OWN), "auth_ext_stale");
});
