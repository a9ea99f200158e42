import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { canonicalIp, parseIp } from "../../../../src/core/address.js";
import { crc32c } from "../../../../src/core/proxy-protocol/crc32c.js";
import { HeaderFormat, headerFormat, Transport } from "../../../../src/core/proxy-protocol/format.js";
import {
  type HeaderAddresses,
  HeaderWriter,
  ownHeader,
  WRITTEN_BYTES,
} from "../../../../src/core/proxy-protocol/header-writer.js";

const { V1, V2, CRC32C, UNIQUE_ID } = HeaderFormat;
const SIGNATURE = "0d0a0d0a000d0a515549540a";

function addresses(client: string, clientPort: number, destination: string, destinationPort: number) {
  const from = parseIp(client);
  const to = parseIp(destination);
  assert.ok(from && to);
  return { family: from.family, client: from.words, clientPort, destination: to.words, destinationPort };
}

function write(format: number, of: HeaderAddresses, transport?: number): Buffer {
  const bytes = Buffer.alloc(WRITTEN_BYTES);
  return bytes.subarray(0, new HeaderWriter(bytes).write(format, of, transport));
}

const v4 = addresses("192.168.0.1", 56324, "192.168.0.11", 443);
const v6 = addresses("2001:db8::1:0:10", 1, "ffff::", 65535);

describe("a version 1 header", () => {
  test("of IPv4 is the line of the specification", () => {
    assert.equal(write(V1, v4).toString(), "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
  });

  test("of the longest IPv4 addresses has 56 bytes, as the specification counts them", () => {
    const longest = addresses("255.255.255.255", 65535, "255.255.255.255", 65535);
    assert.equal(write(V1, longest).toString(), "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n");
    assert.equal(write(V1, longest).length, 56);
  });

  test("of the longest IPv6 addresses has 104 bytes, as the specification counts them", () => {
    const ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const line = write(V1, addresses(ones, 65535, ones, 65535));
    assert.equal(line.toString(), `PROXY TCP6 ${ones} ${ones} 65535 65535\r\n`);
    assert.equal(line.length, 104);
  });

  test("writes IPv6 addresses in their canonical form", () => {
    assert.equal(write(V1, v6).toString(), "PROXY TCP6 2001:db8::1:0:10 ffff:: 1 65535\r\n");
    const group = fc.constantFrom(0, 0, 0, 1, 0xab, 0xffff);
    const property = fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = groups.map((value) => value.toString(16)).join(":");
      const canonical = canonicalIp(text);
      const [, , client] = write(V1, addresses(text, 1, "::", 2))
        .toString()
        .split(" ");
      assert.equal(client, canonical);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("writes each number from 0 to 65535 as one does", () => {
    for (const port of [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 65535]) {
      const line = write(V1, addresses("0.9.10.99", port, "100.199.200.255", port)).toString();
      assert.equal(line, `PROXY TCP4 0.9.10.99 100.199.200.255 ${port} ${port}\r\n`);
    }
  });
});

describe("a version 2 header", () => {
  test("of IPv4 is signature, command, family, length, addresses and ports", () => {
    assert.equal(write(V2, v4).toString("hex"), `${SIGNATURE}2111000cc0a80001c0a8000bdc0401bb`);
  });

  test("of IPv6 has addresses of 16 bytes", () => {
    assert.equal(
      write(V2, v6).toString("hex"),
      `${SIGNATURE}21210024${"20010db8000000000000000100000010"}ffff${"00".repeat(14)}0001ffff`,
    );
  });

  test("of a datagram says so", () => {
    assert.equal(write(V2, v4, Transport.DGRAM)[13], 0x12);
    assert.equal(write(V2, v6, Transport.DGRAM)[13], 0x22);
  });

  test("with a checksum ends in the CRC32c of all of it, itself as 0", () => {
    const header = write(V2 | CRC32C, v4);
    const at = header.length - 4;
    assert.equal(header.readUInt16BE(14), header.length - 16);
    assert.equal(header.subarray(at - 3, at).toString("hex"), "030004");
    const zeroed = Buffer.from(header);
    zeroed.fill(0, at);
    assert.equal(header.readUInt32BE(at), crc32c(zeroed, 0, zeroed.length));
  });

  test("with a unique id has another one each time", () => {
    const bytes = Buffer.alloc(WRITTEN_BYTES);
    const writer = new HeaderWriter(bytes);
    const ids = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const length = writer.write(V2 | UNIQUE_ID, v4);
      assert.equal(bytes.subarray(28, 31).toString("hex"), "05001c");
      ids.add(bytes.toString("latin1", 31, length));
    }
    assert.equal(ids.size, 100);
    for (const id of ids) assert.match(id, /^[0-9a-f]{28}$/);
  });

  test("with everything fits into the room that callers give it", () => {
    assert.equal(write(V2 | CRC32C | UNIQUE_ID, v6).length, 90);
  });
});

describe("the header of the director itself", () => {
  test("of version 1 is UNKNOWN", () => {
    assert.equal(Buffer.from(ownHeader(1)).toString(), "PROXY UNKNOWN\r\n");
  });

  test("of version 2 is LOCAL without a family", () => {
    assert.equal(Buffer.from(ownHeader(2)).toString("hex"), `${SIGNATURE}20000000`);
  });
});

test("the format of settings is none, the version, and what version 2 carries", () => {
  assert.equal(headerFormat(undefined), 0);
  assert.equal(headerFormat({ version: 1, crc32c: false, uniqueId: false }), V1);
  assert.equal(headerFormat({ version: 2, crc32c: false, uniqueId: false }), V2);
  assert.equal(headerFormat({ version: 2, crc32c: true, uniqueId: true }), V2 | CRC32C | UNIQUE_ID);
});

describe("the CRC32c", () => {
  const vectors: readonly [string, Uint8Array, number][] = [
    ["32 zeroes", new Uint8Array(32), 0x8a9136aa],
    ["32 ones", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["0 to 31", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["31 to 0", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["the digits 1 to 9", Buffer.from("123456789"), 0xe3069283],
  ];
  for (const [name, bytes, expected] of vectors) {
    test(`of ${name} is that of RFC 3720 and its likes`, () => {
      assert.equal(crc32c(bytes, 0, bytes.length), expected);
    });
  }
});
