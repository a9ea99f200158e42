import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AuthKeys, parseAuthKeys } from "../../../../src/ha/heartbeat/auth-keys.js";
import { type Decoded, decode, encode, netstringBody } from "../../../../src/ha/heartbeat/codec.js";
import type { Message } from "../../../../src/ha/heartbeat/message.js";
import {
  CAPTURED_KEYS,
  CAPTURED_STANDBY,
  CAPTURED_STATUS,
  CLASSIC_BODY,
  DIGESTS,
  NETSTRING_BODY,
} from "../../../helpers/heartbeat-vectors.js";

const keys = parseAuthKeys(CAPTURED_KEYS, "authkeys");
const METHODS = ["sha1", "md5", "crc"] as const;

function decoded(datagram: Uint8Array): Decoded {
  const result = decode(datagram);
  if (typeof result === "string") throw new Error(result);
  return result;
}

function text(message: Message): Record<string, string> {
  return Object.fromEntries(
    [...message].map(([name, value]) => [
      name,
      typeof value === "string" ? value : Buffer.from(value).toString("hex"),
    ]),
  );
}

describe("messages of heartbeat 3.0.6", () => {
  test("a captured status message has the fields that it was recorded with, and verifies", () => {
    const { message, keyNumber, digest, covered, encoding } = decoded(CAPTURED_STATUS);
    assert.deepEqual(text(message), {
      t: "status",
      st: "active",
      dt: "3e8",
      protocol: "1",
      src: "hba",
      srcuuid: "87944e2576cd4788998a15a0e41ef83e",
      seq: "e4",
      hg: "6b00f6b9",
      ts: "6b00f6e3",
      ld: "1.57 1.45 0.91 2/129 29593",
      ttl: "3",
    });
    assert.deepEqual(
      [encoding, keyNumber, digest],
      ["netstring", 1, "d5fc72b2115070ea7acb879cdb181a7c4c64a29d"],
    );
    assert.equal(keys.verify(covered, keyNumber, digest), undefined);
  });

  for (const [name, packet] of [
    ["status", CAPTURED_STATUS],
    ["standby request", CAPTURED_STANDBY],
  ] as const) {
    test(`a captured ${name} is encoded again byte for byte, the inner digest too`, () => {
      const again = encode(decoded(packet).message, (covered) => keys.sign(covered));
      assert.equal(Buffer.from(again).toString("latin1"), packet.toString("latin1"));
    });
  }

  for (const method of METHODS) {
    test(`${method}: the digests of both forms are heartbeat's`, () => {
      const own = new AuthKeys(new Map([[2, { method, secret: method === "crc" ? "" : "testkey" }]]), 2);
      assert.equal(own.sign(Buffer.from(CLASSIC_BODY)), `2 ${DIGESTS.classic[method]}`);
      assert.equal(own.sign(Buffer.from(NETSTRING_BODY)), `2 ${DIGESTS.netstring[method]}`);
    });
  }

  test("both forms of the same message have the same fields", () => {
    const classic = `>>>\n${CLASSIC_BODY}auth=1 ${DIGESTS.classic.sha1}\n<<<\n`;
    const netstring = `${NETSTRING_BODY}42:1 ${DIGESTS.netstring.sha1},`;
    const [first, second] = [classic, netstring].map((packet) => decoded(Buffer.from(packet)));
    assert.deepEqual(text(first.message), text(second.message));
    for (const { covered, keyNumber, digest } of [first, second]) {
      assert.equal(keys.verify(covered, keyNumber, digest), undefined);
    }
    assert.equal(Buffer.from(netstringBody(first.message)).toString(), NETSTRING_BODY);
    assert.equal(
      Buffer.from(encode(first.message, (covered) => keys.sign(covered), "classic")).toString(),
      classic,
    );
  });

  test("raw bytes survive the classic form", () => {
    const { message } = decoded(CAPTURED_STATUS);
    const again = decoded(encode(message, (covered) => keys.sign(covered), "classic"));
    assert.deepEqual(text(again.message), text(message));
  });

  test("one changed byte anywhere is noticed", () => {
    for (let at = 0; at < CAPTURED_STATUS.length; at++) {
      const bytes = Buffer.from(CAPTURED_STATUS);
      bytes[at] ^= 1;
      const result = decode(bytes);
      if (typeof result === "string") continue;
      assert.notEqual(keys.verify(result.covered, result.keyNumber, result.digest), undefined, `byte ${at}`);
    }
  });
});

describe("what is no message", () => {
  for (const [what, packet] of [
    ["nothing", ""],
    ["another protocol", "GET / HTTP/1.0\r\n\r\n"],
    ["no end", "###\n11:(0)t=status,"],
    ["no digest", "###\n11:(0)t=status,%%%\n"],
    ["a length that is too long", "###\n99:(0)t=status,%%%\n5:1 aa,"],
    ["a length with too many digits", "###\n0000000011:(0)t=status,%%%\n5:1 aa,"],
    ["no type", "###\n8:t=status,%%%\n4:1 aa,"],
    ["a field twice", "###\n6:(0)t=a,6:(0)t=b,%%%\n4:1 aa,"],
    ["something after it", "###\n6:(0)t=a,%%%\n4:1 aa,x"],
    ["a digest that is none", "###\n6:(0)t=a,%%%\n4:1 xy,"],
    ["classic without auth", ">>>\nt=status\n<<<\n"],
    ["classic without an end", ">>>\nt=status\nauth=1 aa\n"],
    ["classic with a line that is no field", ">>>\nstatus\nauth=1 aa\n<<<\n"],
  ]) {
    test(what, () => assert.equal(decode(Buffer.from(packet)), "malformed"));
  }
});
