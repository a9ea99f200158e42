import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPortLookup } from "../../../src/config/port-names.js";
import { expandRange, MAX_RANGE, parseRealserverRange } from "../../../src/config/realserver-range.js";
import { formatEndpoint, formatIp } from "../../../src/core/address.js";

const portOf = createPortLookup("/nonexistent/services");
const expand = (text: unknown): string[] =>
  expandRange(parseRealserverRange(text, portOf), 8000).map(formatEndpoint);

const RANGES: readonly [string, readonly string[]][] = [
  ["10.0.0.1:80", ["10.0.0.1:80"]],
  ["10.0.0.1:0", ["10.0.0.1:0"]],
  ["10.0.0.1:http", ["10.0.0.1:80"]],
  ["10.0.0.1:http-alt", ["10.0.0.1:8080"]],
  ["10.0.0.1", ["10.0.0.1:8000"]],
  ["192.168.0.10-12:80", ["192.168.0.10:80", "192.168.0.11:80", "192.168.0.12:80"]],
  ["192.168.0.10-10", ["192.168.0.10:8000"]],
  ["192.168.0.255-192.168.1.1:80", ["192.168.0.255:80", "192.168.1.0:80", "192.168.1.1:80"]],
  ["fd77::1", ["[fd77::1]:8000"]],
  ["[fd77::1]", ["[fd77::1]:8000"]],
  ["[fd77::f-11]:80", ["[fd77::f]:80", "[fd77::10]:80", "[fd77::11]:80"]],
  ["fd77::a-b", ["[fd77::a]:8000", "[fd77::b]:8000"]],
  ["[fd77::ffff-fd77::1:0]:80", ["[fd77::ffff]:80", "[fd77::1:0]:80"]],
  ["[fd77::-1]:80", ["[fd77::]:80", "[fd77::1]:80"]],
];

for (const [text, expected] of RANGES) {
  test(`${text} is ${expected.join(", ")}`, () => assert.deepEqual(expand(text), expected));
}

const REFUSED: readonly [unknown, RegExp][] = [
  ["10.0.0.10-9:80", /the range ends before it begins/],
  ["10.0.0.10-256:80", /"10\.0\.0\.256" is not an IP address/],
  ["10.0.0.0-10.0.16.0", /a range of 4097 addresses, at most 4096 are possible/],
  [
    "[::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    /a range of 340282366920938463463374607431768211456 addresses/,
  ],
  ["10.0.0.1-fd77::1", /the ends of the range are of different families/],
  ["10.0.0.1-2-3", /"10\.0\.0\.1-2-3" is not an IP address/],
  ["web-1.example.com:80", /"web-1\.example\.com" is a host name/],
  ["10.0.0.1:", /the port is missing/],
  ["[fd77::1", /"\[fd77::1" is not an IP address/],
  ["", /the address is missing/],
  [null, /^found nothing, accepted is ADDRESS/],
];

for (const [text, message] of REFUSED) {
  test(`the realserver address ${JSON.stringify(text)} is refused with ${message}`, () => {
    assert.throws(() => expand(text), { code: "INVALID", message });
  });
}

test("a range of any two IPv4 addresses at most 4096 apart has each address between them once, in order", () => {
  const range = fc.record({
    first: fc.integer({ min: 0, max: 0xffffffff - MAX_RANGE }),
    count: fc.integer({ min: 1, max: MAX_RANGE }),
  });
  fc.assert(
    fc.property(range, ({ first, count }) => {
      const found = expand(`${formatIp(4, first)}-${formatIp(4, first + count - 1)}:80`);
      const expected = Array.from({ length: count }, (_, i) => `${formatIp(4, first + i)}:80`);
      assert.deepEqual(found, expected);
    }),
    { numRuns: 50 },
  );
});
