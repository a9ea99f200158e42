import assert from "node:assert/strict";
import { test } from "node:test";
import { fromIpv4 } from "../../../../src/dataplane/native/vrrp-socket.js";

/** The recorded packet of the reference (ha.md §13.1), from the IP header on. */
const PACKET = Buffer.from(
  "45c0002c00010000ff70d03e0a4f0001e0000012213396020101c4e30a4f00640a4f00657365637265743132",
  "hex",
);

test("addresses, TTL and payload of a raw IPv4 packet are found", () => {
  const packet = fromIpv4(PACKET);
  assert.deepEqual(
    { ...packet, payload: Buffer.from(packet?.payload ?? []).toString("hex") },
    {
      source: "10.79.0.1",
      destination: "224.0.0.18",
      hopLimit: 255,
      payload: "213396020101c4e30a4f00640a4f00657365637265743132",
    },
  );
});

test("IP options are passed over", () => {
  const withOptions = Buffer.concat([PACKET.subarray(0, 20), Buffer.alloc(4), PACKET.subarray(20)]);
  withOptions[0] = 0x46;
  assert.equal(fromIpv4(withOptions)?.payload.length, 24);
});

for (const [name, bytes] of [
  ["an empty packet", Buffer.alloc(0)],
  ["a header that is cut off", PACKET.subarray(0, 19)],
  ["a header length below 20", Buffer.from([0x44, ...PACKET.subarray(1)])],
  ["a header length beyond the packet", Buffer.from([0x4f, ...PACKET.subarray(1, 40)])],
] as const) {
  test(`${name} is no packet`, () => {
    assert.equal(fromIpv4(bytes), undefined);
  });
}
