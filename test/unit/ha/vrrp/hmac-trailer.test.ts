/** Expected values: reference ha.md §13.6. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Advertisement,
  type Decoded,
  decode,
  type Envelope,
  encode,
} from "../../../../src/ha/vrrp/codec.js";
import { isLater, signTrailer, verifyTrailer } from "../../../../src/ha/vrrp/hmac-trailer.js";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const KEYS = new Map([[1, KEY]]);
const SEQUENCE = { seconds: 0x68000000, fraction: 0x8000, counter: 0 };
const V4: Advertisement = {
  version: 3,
  vrid: 51,
  priority: 200,
  intervalCs: 100,
  addresses: ["192.0.2.100"],
};
const V4_ENVELOPE: Envelope = { source: "198.51.100.10", destination: "224.0.0.18" };
const V6: Advertisement = { ...V4, addresses: ["fe80::100"] };
const V6_ENVELOPE: Envelope = { source: "fe80::10", destination: "fe80::20" };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function signed(advertisement: Advertisement, envelope: Envelope): Uint8Array {
  const plain = encode(advertisement, envelope, "message-only");
  const trailer = signTrailer(plain, envelope.source, 1, KEY, SEQUENCE);
  return encode(advertisement, envelope, "message-only", trailer);
}

test("the trailer over IPv4 has the expected bytes", () => {
  assert.equal(
    hex(signed(V4, V4_ENVELOPE)),
    "3133c80100644402c00002640101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265",
  );
});

test("the trailer over IPv6 has the expected bytes, and the checksum covers it", () => {
  assert.equal(
    hex(signed(V6, V6_ENVELOPE)),
    "3133c8010064a2e9fe800000000000000000000000000100010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78",
  );
});

for (const [name, advertisement, envelope] of [
  ["IPv4", V4, V4_ENVELOPE],
  ["IPv6", V6, V6_ENVELOPE],
] as const) {
  test(`a signed packet over ${name} decodes, and its trailer verifies`, () => {
    const bytes = signed(advertisement, envelope);
    const { trailer } = decode(bytes, envelope) as Decoded;
    assert.ok(trailer !== undefined);
    const message = bytes.subarray(0, bytes.length - trailer.length);
    assert.deepEqual(verifyTrailer(message, envelope.source, trailer, KEYS), SEQUENCE);
  });
}

const message = encode(V4, V4_ENVELOPE);
const trailer = signTrailer(message, V4_ENVELOPE.source, 1, KEY, SEQUENCE);
const changed = (at: number, value: number): Uint8Array => {
  const copy = trailer.slice();
  copy[at] = value;
  return copy;
};

for (const [name, bytes, reason] of [
  ["an unknown algorithm", changed(0, 2), "auth_ext_malformed"],
  ["reserved bits", changed(3, 1), "auth_ext_malformed"],
  ["an unknown key", changed(1, 9), "auth_ext_unknown_key"],
  ["a changed HMAC", changed(27, trailer[27] ^ 1), "auth_ext_invalid_hmac"],
  ["a changed sequence", changed(11, 1), "auth_ext_invalid_hmac"],
] as const) {
  test(`a trailer with ${name} is refused as ${reason}`, () => {
    assert.equal(verifyTrailer(message, V4_ENVELOPE.source, bytes, KEYS), reason);
  });
}

test("a trailer of another sender is refused", () => {
  assert.equal(verifyTrailer(message, "198.51.100.11", trailer, KEYS), "auth_ext_invalid_hmac");
});

test("a sequence is later by its seconds, then its fraction, then its counter", () => {
  const at = (seconds: number, fraction: number, counter: number) => ({ seconds, fraction, counter });
  assert.ok(isLater(at(2, 0, 0), at(1, 9, 9)));
  assert.ok(isLater(at(1, 2, 0), at(1, 1, 9)));
  assert.ok(isLater(at(1, 1, 2), at(1, 1, 1)));
  assert.ok(!isLater(at(1, 1, 1), at(1, 1, 1)));
  assert.ok(!isLater(at(1, 1, 0), at(1, 1, 1)));
});
