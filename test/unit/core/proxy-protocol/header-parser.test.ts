import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatIp, parseIp } from "../../../../src/core/address.js";
import { crc32c } from "../../../../src/core/proxy-protocol/crc32c.js";
import { HeaderFormat } from "../../../../src/core/proxy-protocol/format.js";
import { HeaderFault, HeaderParser } from "../../../../src/core/proxy-protocol/header-parser.js";
import { HeaderWriter, ownHeader, WRITTEN_BYTES } from "../../../../src/core/proxy-protocol/header-writer.js";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const { MISSING, MALFORMED, TOO_LONG, CHECKSUM } = HeaderFault;
const parser = new HeaderParser();

const text = (line: string): Buffer => Buffer.from(line, "latin1");
const hex = (digits: string): Buffer => Buffer.from(digits.replace(/ /g, ""), "hex");
const parse = (bytes: Uint8Array, limit = 536): number => parser.parse(bytes, bytes.length, limit);

/** What the last header said: `192.0.2.1 1 > 192.0.2.2 2`, or `own`. */
function said(): string {
  const { hasAddresses, family, client, clientPort, destination, destinationPort } = parser.header;
  if (!hasAddresses) return "own";
  const ip = (words: Uint32Array) => formatIp(family, words[0], words[1], words[2], words[3]);
  return `${ip(client)} ${clientPort} > ${ip(destination)} ${destinationPort}`;
}

function tlv(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(type, value.length >> 8, value.length), value]);
}

/** An IPv4 header of version 2 with these TLVs. */
function withTlvs(...tlvs: Uint8Array[]): Buffer {
  const rest = Buffer.concat([hex("c0000201 c0000202 1234 0050"), ...tlvs]);
  return Buffer.concat([hex(`${SIGNATURE}2111`), Uint8Array.of(rest.length >> 8, rest.length), rest]);
}

describe("version 1", () => {
  const good: readonly [string, string][] = [
    ["PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1 56324 > 192.168.0.11 443"],
    [
      "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
      "255.255.255.255 65535 > 255.255.255.255 65535",
    ],
    ["PROXY TCP4 0.0.0.0 1.2.3.4 0 1\r\n", "0.0.0.0 0 > 1.2.3.4 1"],
    ["PROXY TCP6 ::1 2001:DB8::a 1 2\r\n", "::1 1 > 2001:db8::a 2"],
    ["PROXY TCP6 :: 1:2:3:4:5:6:7:8 1 2\r\n", ":: 1 > 1:2:3:4:5:6:7:8 2"],
    ["PROXY TCP6 1:: ::ffff:192.0.2.1 1 2\r\n", "1:: 1 > ::ffff:c000:201 2"],
    ["PROXY TCP6 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1 2\r\n", "1:2:3:4:5:6:7:0 1 > 0:2:3:4:5:6:7:8 2"],
    ["PROXY UNKNOWN\r\n", "own"],
    ["PROXY UNKNOWN ffff::1 whatever 99999\r\n", "own"],
  ];
  for (const [line, expected] of good) {
    test(`reads ${JSON.stringify(line)}`, () => {
      assert.equal(parse(text(line)), line.length);
      assert.equal(said(), expected);
      assert.equal(parse(text(`${line}GET / HTTP/1.1\r\n\r\n`)), line.length, "whatever follows");
    });
  }

  test("reads the longest possible line", () => {
    const ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const line = `PROXY UNKNOWN ${ones} ${ones} 65535 65535\r\n`;
    assert.equal(line.length, 107);
    assert.equal(parse(text(line)), 107);
  });

  const bad: readonly [string, number][] = [
    ["PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n", MALFORMED],
    ["PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n", MALFORMED],
    ["PROXY TCP4  192.168.0.1 192.168.0.11 56324 443\r\n", MALFORMED],
    ["PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n", MALFORMED],
    ["PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n", MALFORMED],
    ["PROXY TCP4 192.168.0.1 192.168.0.11 0443 443\r\n", MALFORMED],
    ["PROXY TCP4 192.168.0.01 192.168.0.11 1 443\r\n", MALFORMED],
    ["PROXY TCP4 192.168.0.256 192.168.0.11 1 443\r\n", MALFORMED],
    ["PROXY TCP4 192.168.0 192.168.0.11 1 443\r\n", MALFORMED],
    ["PROXY TCP4 ::1 ::1 1 443\r\n", MALFORMED],
    ["PROXY TCP6 192.168.0.1 192.168.0.11 1 443\r\n", MALFORMED],
    ["PROXY TCP5 192.168.0.1 192.168.0.11 1 443\r\n", MALFORMED],
    ["PROXY UDP4 192.168.0.1 192.168.0.11 1 443\r\n", MALFORMED],
    ["PROXY UNKNOWNX\r\n", MALFORMED],
    ["PROXY \r\n", MALFORMED],
    ["PROXY TCP6 1:2:3:4:5:6:7:8:9 :: 1 2\r\n", MALFORMED],
    ["PROXY TCP6 1::2::3 :: 1 2\r\n", MALFORMED],
    ["PROXY TCP6 1:2:3: :: 1 2\r\n", MALFORMED],
    ["PROXY TCP6 :1 :: 1 2\r\n", MALFORMED],
    ["PROXY TCP6 12345:: :: 1 2\r\n", MALFORMED],
    ["proxy TCP4 192.168.0.1 192.168.0.11 1 443\r\n", MISSING],
    ["GET / HTTP/1.1\r\n\r\n", MISSING],
    ["PROXYTCP4", MISSING],
    ["\x16\x03\x01\x02\x00\x01\x00", MISSING],
    [`PROXY TCP4 ${"1".repeat(100)}`, MALFORMED],
  ];
  for (const [line, fault] of bad) {
    test(`refuses ${JSON.stringify(line)}`, () => assert.equal(parse(text(line)), fault));
  }

  test("waits for more at every beginning of a header", () => {
    const line = text("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
    for (let length = 0; length < line.length; length++) assert.equal(parse(line.subarray(0, length)), 0);
  });

  test("accepts the IPv6 addresses that inet_pton accepts, and no others", () => {
    const token = fc
      .array(fc.constantFrom("0", "a", "F", "12ab", "00000", ":", "::", ":1", "1.2.3.4", "1.2.3"), {
        maxLength: 12,
      })
      .map((parts) => parts.join(""));
    const property = fc.property(token, (address) => {
      const line = text(`PROXY TCP6 ${address} :: 1 2\r\n`);
      fc.pre(line.length <= 107 && address !== "");
      assert.equal(parse(line) === line.length, isIPv6(address), address);
      if (isIPv6(address)) assert.deepEqual([...parser.header.client], parseIp(address)?.words, address);
    });
    fc.assert(property, { numRuns: 20_000 });
  });
});

describe("version 2", () => {
  test("reads an IPv4 header", () => {
    const header = hex(`${SIGNATURE}2111000c c0000201 c0000202 1234 0050`);
    assert.equal(parse(Buffer.concat([header, text("hello")])), header.length);
    assert.equal(said(), "192.0.2.1 4660 > 192.0.2.2 80");
  });

  test("reads an IPv6 header", () => {
    const header = hex(`${SIGNATURE}21210024 20010db8${"00".repeat(11)}01 ff${"00".repeat(15)} 0001 ffff`);
    assert.equal(parse(header), header.length);
    assert.equal(said(), "2001:db8::1 1 > ff00:: 65535");
  });

  const own: readonly [string, string][] = [
    ["LOCAL without anything", "20000000"],
    ["LOCAL with addresses, which are skipped", "2011000c c0000201 c0000202 1234 0050"],
    ["no family, whatever follows", "21000005 ff00ffff01"],
    ["unix sockets", `213100d8 ${"2f".repeat(216)}`],
    ["IPv4 over another transport than TCP", "2112000c c0000201 c0000202 1234 0050"],
    ["IPv4 over no transport", "2110000c c0000201 c0000202 1234 0050"],
  ];
  for (const [name, digits] of own) {
    test(`keeps the addresses of the connection for ${name}`, () => {
      const header = hex(SIGNATURE + digits);
      assert.equal(parse(header), header.length);
      assert.equal(said(), "own");
    });
  }

  const bad: readonly [string, string, number][] = [
    ["another version", "1111000c c0000201 c0000202 1234 0050", MALFORMED],
    ["another command", "2211000c c0000201 c0000202 1234 0050", MALFORMED],
    ["another family", "2141000c c0000201 c0000202 1234 0050", MALFORMED],
    ["another transport", "2113000c c0000201 c0000202 1234 0050", MALFORMED],
    ["less than the addresses", "2111000b c0000201 c0000202 1234 00", MALFORMED],
    ["a TLV without length", "2111000e c0000201 c0000202 1234 0050 0400", MALFORMED],
    ["a TLV longer than the header", "21110010 c0000201 c0000202 1234 0050 04000200", MALFORMED],
    ["a checksum of another size", "21110011 c0000201 c0000202 1234 0050 0300020000", MALFORMED],
    ["a length above the limit", "21110300", TOO_LONG],
  ];
  for (const [name, digits, fault] of bad) {
    test(`refuses ${name}`, () => assert.equal(parse(hex(SIGNATURE + digits)), fault));
  }

  test("refuses what begins like it and goes on otherwise", () => {
    assert.equal(parse(text("\r\n\r\nhello")), MISSING);
  });

  test("takes headers up to the limit, and longer ones where more is asked for", () => {
    const full = withTlvs(tlv(0x04, Buffer.alloc(536 - 28 - 3)));
    assert.equal(full.length, 536);
    assert.equal(parse(full), 536);
    const longer = withTlvs(tlv(0x04, Buffer.alloc(536 - 28 - 2)));
    assert.equal(parse(longer), TOO_LONG);
    assert.equal(parse(longer, 1000), 537);
  });

  test("reads over TLVs that it does not know", () => {
    const header = withTlvs(tlv(0x01, text("h2")), tlv(0xea, text("vpce-1")), tlv(0x04, Buffer.alloc(0)));
    assert.equal(parse(header), header.length);
    assert.equal(said(), "192.0.2.1 4660 > 192.0.2.2 80");
  });

  test("accepts a checksum that fits, wherever it stands, and no other", () => {
    for (const more of [[], [tlv(0x05, text("id"))]]) {
      const header = withTlvs(tlv(0x03, Buffer.alloc(4)), ...more);
      header.writeUInt32BE(crc32c(header, 0, header.length), 31);
      assert.equal(parse(header), header.length);
      header[31] ^= 1;
      assert.equal(parse(header), CHECKSUM);
    }
  });

  test("waits for more at every beginning of a header", () => {
    const header = withTlvs(tlv(0x01, text("h2")));
    for (let length = 0; length < header.length; length++) assert.equal(parse(header.subarray(0, length)), 0);
  });
});

test("the director's own headers are read as such", () => {
  for (const version of [1, 2] as const) {
    const header = ownHeader(version);
    assert.equal(parse(header), header.length);
    assert.equal(said(), "own");
  }
});

test("what is written is read back, in every format", () => {
  const { V1, V2, CRC32C, UNIQUE_ID } = HeaderFormat;
  const bytes = new Uint8Array(WRITTEN_BYTES);
  const writer = new HeaderWriter(bytes);
  const word = fc.nat(0xffffffff);
  const port = fc.nat(0xffff);
  const words = fc.tuple(word, word, word, word);
  const format = fc.constantFrom(V1, V2, V2 | CRC32C, V2 | UNIQUE_ID, V2 | CRC32C | UNIQUE_ID);
  const property = fc.property(
    format,
    fc.constantFrom(4, 6),
    words,
    port,
    words,
    port,
    (kind, family, client, clientPort, destination, destinationPort) => {
      const length = writer.write(kind, { family, client, clientPort, destination, destinationPort });
      assert.equal(parser.parse(bytes, length, 536), length);
      const used = (all: readonly number[]) => (family === 4 ? [all[0], 0, 0, 0] : all);
      const { header } = parser;
      assert.deepEqual(
        [header.hasAddresses, header.family, header.clientPort, header.destinationPort],
        [true, family, clientPort, destinationPort],
      );
      assert.deepEqual([...header.client], used(client));
      assert.deepEqual([...header.destination], used(destination));
    },
  );
  fc.assert(property, { numRuns: 5000 });
});
