/**
 * A million headers that somebody has damaged. What lies behind the bytes that are given must not matter: each header is
 * parsed twice, with something else behind it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderParser } from "../../../../src/core/proxy-protocol/header-parser.js";
import { randomBySeed, seedOf } from "../../../helpers/keystream.js";

const COUNT = 1_000_000;
const LIMIT = 536;
const ROOM = 640;

const SAMPLES = [
  "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
  "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n",
  "PROXY UNKNOWN\r\n",
].map((line) => Buffer.from(line, "latin1"));
const BINARY = [
  "2111000cc0000201c000020212340050",
  `21210024${"20010db8000000000000000000000001".repeat(2)}12340050`,
  "21110017c0000201c00002021234005001000268320300040badcafe",
  `213100d8${"2f".repeat(216)}`,
  "20000000",
].map((digits) => Buffer.from(`0d0a0d0a000d0a515549540a${digits}`, "hex"));
SAMPLES.push(...BINARY);

test("a million damaged headers are answered, and nothing behind them is read", (t) => {
  const random = randomBySeed(seedOf(t));
  const below = (limit: number): number => Math.floor(random() * limit);
  const parser = new HeaderParser();
  const one = new Uint8Array(ROOM);
  const other = new Uint8Array(ROOM);
  const met = new Map<number, number>();
  for (let i = 0; i < COUNT; i++) {
    const sample = SAMPLES[below(SAMPLES.length)];
    one.fill(below(256));
    other.fill(below(256));
    one.set(sample);
    // Damage a few bytes, with a liking for those that are digits, lengths and separators already.
    for (let damage = below(4); damage > 0; damage--) {
      const at = below(sample.length);
      const kind = below(3);
      one[at] = kind === 0 ? below(256) : kind === 1 ? one[below(sample.length)] : one[at] ^ 1;
    }
    const length = below(4) === 0 ? below(ROOM) : below(sample.length + 1);
    other.set(one.subarray(0, length));
    const answer = parser.parse(one, length, LIMIT);
    if (parser.parse(other, length, LIMIT) !== answer)
      assert.fail(`header ${i}: what lies behind it matters`);
    if (!(answer >= -4 && answer <= Math.min(length, LIMIT))) assert.fail(`header ${i}: answer ${answer}`);
    const kind = Math.min(answer, 1);
    met.set(kind, (met.get(kind) ?? 0) + 1);
  }
  assert.deepEqual([...met.keys()].sort(), [-1, -2, -3, -4, 0, 1].sort(), "every kind of answer has come");
});
