/** The recorded packets of keepalived (reference: ha.md §13.1 to §13.3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChecksumForm } from "../../../../src/ha/vrrp/checksum.js";
import {
  type Advertisement,
  type Decoded,
  decode,
  type Envelope,
  encode,
  passwordAuthentication,
} from "../../../../src/ha/vrrp/codec.js";

const GROUP_V4: Envelope = { source: "10.79.0.1", destination: "224.0.0.18" };

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly envelope: Envelope;
  readonly advertisement: Advertisement;
  readonly form?: ChecksumForm;
}

const V2: Advertisement = {
  version: 2,
  vrid: 51,
  priority: 150,
  intervalCs: 100,
  addresses: ["10.79.0.100", "10.79.0.101"],
  authentication: passwordAuthentication("secret12"),
};
const V3: Advertisement = {
  version: 3,
  vrid: 52,
  priority: 120,
  intervalCs: 25,
  addresses: ["10.79.0.110"],
};
const UNICAST: Advertisement = {
  version: 3,
  vrid: 54,
  priority: 140,
  intervalCs: 100,
  addresses: ["10.79.0.120"],
};
const UNICAST_ENVELOPE: Envelope = { source: "10.79.0.1", destination: "10.79.0.2" };
const V6: Advertisement = {
  version: 3,
  vrid: 53,
  priority: 130,
  intervalCs: 50,
  addresses: ["fe80::53", "fd79::53"],
};
const V6_ENVELOPE: Envelope = { source: "fe80::79:ff:fe00:1", destination: "ff02::12" };
const V6_ADDRESSES = "fe800000000000000000000000000053fd790000000000000000000000000053";

const VECTORS: readonly Vector[] = [
  {
    name: "version 2 with a password and two addresses",
    hex: "213396020101c4e30a4f00640a4f00657365637265743132",
    envelope: GROUP_V4,
    advertisement: V2,
  },
  {
    name: "version 2, leaving",
    hex: "2133000201015ae40a4f00640a4f00657365637265743132",
    envelope: GROUP_V4,
    advertisement: { ...V2, priority: 0 },
  },
  {
    name: "version 3 over IPv4 with the pseudo-header",
    hex: "31347801001961150a4f006e",
    envelope: GROUP_V4,
    advertisement: V3,
  },
  {
    name: "version 3 over IPv4, the message alone",
    hex: "3134780100194bf40a4f006e",
    envelope: GROUP_V4,
    advertisement: V3,
    form: "message-only",
  },
  {
    name: "version 3 over IPv4, leaving",
    hex: "313400010019d9150a4f006e",
    envelope: GROUP_V4,
    advertisement: { ...V3, priority: 0 },
  },
  {
    name: "version 3 over IPv4, leaving, the message alone",
    hex: "313400010019c3f40a4f006e",
    envelope: GROUP_V4,
    advertisement: { ...V3, priority: 0 },
    form: "message-only",
  },
  {
    name: "version 3 to a unicast peer",
    hex: "31368c01006422800a4f0078",
    envelope: UNICAST_ENVELOPE,
    advertisement: UNICAST,
  },
  {
    name: "version 3 to a unicast peer, as keepalived up to 1.3.6",
    hex: "31368c0100644cbe0a4f0078",
    envelope: UNICAST_ENVELOPE,
    advertisement: UNICAST,
    form: "multicast-pseudo-header",
  },
  {
    name: "version 3 to a unicast peer, the message alone",
    hex: "31368c010064379d0a4f0078",
    envelope: UNICAST_ENVELOPE,
    advertisement: UNICAST,
    form: "message-only",
  },
  {
    name: "version 3 from a virtual MAC",
    hex: "31376e0100326ae50a4f0082",
    envelope: GROUP_V4,
    advertisement: { version: 3, vrid: 55, priority: 110, intervalCs: 50, addresses: ["10.79.0.130"] },
  },
  {
    name: "version 3 over IPv6",
    hex: `313582020032524d${V6_ADDRESSES}`,
    envelope: V6_ENVELOPE,
    advertisement: V6,
  },
  {
    name: "version 3 over IPv6, leaving",
    hex: `313500020032d44d${V6_ADDRESSES}`,
    envelope: V6_ENVELOPE,
    advertisement: { ...V6, priority: 0 },
  },
];

for (const { name, hex, envelope, advertisement, form = "pseudo-header" } of VECTORS) {
  test(`the recorded packet decodes to its fields: ${name}`, () => {
    const decoded = decode(Buffer.from(hex, "hex"), envelope) as Decoded;
    assert.deepEqual(plain(decoded.advertisement), plain(advertisement));
    assert.equal(decoded.checksumForm, form);
    assert.equal(decoded.trailer, undefined);
  });

  test(`the fields encode to the recorded packet: ${name}`, () => {
    assert.equal(Buffer.from(encode(advertisement, envelope, form)).toString("hex"), hex);
  });
}

const GOOD = VECTORS[0].hex;
const GOOD_V3 = VECTORS[2].hex;
const REFUSED: readonly [string, string, string, Envelope?][] = [
  ["an empty packet", "", "packet_len_err"],
  ["a packet shorter than the header", GOOD.slice(0, 14), "packet_len_err"],
  ["a packet without its last byte", GOOD.slice(0, -2), "packet_len_err"],
  ["a packet with a byte too many", `${GOOD}00`, "packet_len_err"],
  ["a packet that says more addresses than it has", GOOD.replace("21339602", "21339603"), "packet_len_err"],
  ["version 1", GOOD.replace(/^21/, "11"), "version_err"],
  ["version 4", GOOD_V3.replace(/^31/, "41"), "version_err"],
  ["version 2 over IPv6", VECTORS[10].hex.replace(/^31/, "21"), "version_err", V6_ENVELOPE],
  ["type 2", GOOD.replace(/^21/, "22"), "invalid_type_rcvd"],
  ["a wrong checksum of version 2", GOOD.replace("c4e3", "c4e4"), "checksum_err"],
  ["a wrong checksum of version 3", GOOD_V3.replace("6115", "6116"), "checksum_err"],
  ["a wrong checksum over IPv6", VECTORS[10].hex.replace("524d", "524e"), "checksum_err", V6_ENVELOPE],
];

for (const [name, hex, reason, envelope = GROUP_V4] of REFUSED) {
  test(`${name} is refused as ${reason}`, () => {
    assert.equal(decode(Buffer.from(hex, "hex"), envelope), reason);
  });
}

test("a password is cut at 8 bytes and padded with zeros", () => {
  assert.equal(Buffer.from(passwordAuthentication("secret1234").data).toString(), "secret12");
  assert.deepEqual([...passwordAuthentication("ab").data], [0x61, 0x62, 0, 0, 0, 0, 0, 0]);
});

test("255 addresses of IPv6 go through", () => {
  const addresses = Array.from({ length: 255 }, (_, i) => `fd79::${(i + 1).toString(16)}`);
  const decoded = decode(encode({ ...V6, addresses }, V6_ENVELOPE), V6_ENVELOPE) as Decoded;
  assert.deepEqual(decoded.advertisement.addresses, addresses);
});

/** Without the class of the bytes, which may be Buffer or Uint8Array. */
function plain({ authentication, ...rest }: Advertisement): object {
  return { ...rest, ...(authentication && { password: [authentication.type, ...authentication.data] }) };
}
