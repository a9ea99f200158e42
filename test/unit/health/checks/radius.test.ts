import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { type RadiusOptions, radiusCheck } from "../../../../src/health/checks/radius.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startDatagramServer } from "../../../helpers/line-server.js";

const SECRET = "shared secret";

function md5(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** An answer as a server makes it that knows `secret`. */
function answer(request: Buffer, code: number, secret: string): Buffer {
  const head = Buffer.from([code, request[1], 0, 20]);
  return Buffer.concat([head, md5(head, request.subarray(4, 20), secret)]);
}

async function ask(
  options: Partial<RadiusOptions>,
  reply: (request: Buffer) => readonly Uint8Array[],
): Promise<{ result: string; request: Buffer }> {
  const server = await startDatagramServer(reply);
  try {
    const check = radiusCheck({ secret: SECRET, ...options });
    return { result: told(await runProbe(check, server, { timeoutMs: 500 })), request: server.received[0] };
  } finally {
    await server.close();
  }
}

function attributesOf(packet: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = 20; at < packet.length; at += packet[at + 1]) {
    attributes.set(packet[at], packet.subarray(at + 2, at + packet[at + 1]));
  }
  return attributes;
}

const LOGIN = { user: "check", password: "a password of more than 16 bytes" };

test("an Access-Request hides the password as RFC 2865 says, and is signed", async () => {
  const { result, request } = await ask(LOGIN, (packet) => [answer(packet, 2, SECRET)]);
  assert.equal(result, "passed L7OK: answered with Access-Accept");
  assert.deepEqual([request[0], request.readUInt16BE(2)], [1, request.length]);
  const attributes = attributesOf(request);
  assert.equal(attributes.get(1)?.toString(), "check");
  assert.equal(attributes.get(32)?.toString(), "uvs");
  const hidden = attributes.get(2)!;
  const plain: number[] = [];
  for (let at = 0, before = request.subarray(4, 20); at < hidden.length; at += 16) {
    const mask = md5(SECRET, before);
    before = hidden.subarray(at, at + 16);
    plain.push(...before.map((byte, i) => byte ^ mask[i]));
  }
  assert.equal(Buffer.from(plain).toString().replace(/\0+$/, ""), LOGIN.password);
  const unsigned = Buffer.concat([request.subarray(0, -16), Buffer.alloc(16)]);
  assert.deepEqual(attributes.get(80), createHmac("md5", SECRET).update(unsigned).digest());
});

test("without a user the server is asked for its status", async () => {
  const { result, request } = await ask({}, (packet) => [answer(packet, 2, SECRET)]);
  assert.equal(result, "passed L7OK: answered with Access-Accept");
  assert.equal(request[0], 12);
  assert.deepEqual([...attributesOf(request).keys()], [32, 80]);
});

test("a rejection fails, unless any valid answer will do", async () => {
  const reject = (packet: Buffer): Buffer[] => [answer(packet, 3, SECRET)];
  assert.equal(
    (await ask(LOGIN, reject)).result,
    "failed L7STS: answered with Access-Reject, wanted is Access-Accept",
  );
  assert.equal(
    (await ask({ ...LOGIN, expect: "any" }, reject)).result,
    "passed L7OK: answered with Access-Reject",
  );
});

test("answers that do not prove the secret, or answer another request, are not heard", async () => {
  const { result } = await ask(LOGIN, (packet) => {
    const other = Buffer.from(packet);
    other[1] ^= 1;
    return [Buffer.from("x"), answer(packet, 2, "wrong secret"), answer(other, 2, SECRET)];
  });
  assert.equal(result, "failed L7TOUT: timed out after 500 ms while waiting for the answer");
});

test("options out of range are refused, without showing secrets", () => {
  assert.throws(() => radiusCheck({ secret: "" }), /secret: found "\(hidden\)", accepted is 1 to 128 bytes/);
  assert.throws(
    () => radiusCheck({ secret: "s", user: "u", password: "p".repeat(129) }),
    /password: found "\(hidden\)"/,
  );
  assert.throws(() => radiusCheck({ secret: "s", nasIdentifier: "x".repeat(254) }), /nasIdentifier: found/);
  assert.throws(() => radiusCheck({ secret: "s", expect: "all" as "any" }), /expect: found "all"/);
});
