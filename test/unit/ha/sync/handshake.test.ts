import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { UvsError } from "../../../../src/core/errors.js";
import { FrameReader, frame } from "../../../../src/ha/sync/frames.js";
import { Handshake, type SessionKeys } from "../../../../src/ha/sync/handshake.js";
import { readKeyFile } from "../../../../src/ha/sync/key-file.js";
import { Seal } from "../../../../src/ha/sync/seal.js";
import { SYNC_KEY } from "../../../helpers/sync-pair.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

/** Runs a handshake between two directors, with what is done to frames on their way. */
function shake(
  change: (frame: Buffer, index: number) => Buffer = (same) => same,
  keys: readonly [Buffer, Buffer] = [SYNC_KEY, SYNC_KEY],
  names: readonly [string, string] = ["a", "b"],
): { dialer: SessionKeys; acceptor: SessionKeys } {
  const dialer = new Handshake("dialer", names[0], keys[0]);
  const acceptor = new Handshake("acceptor", names[1], keys[1]);
  const second = acceptor.receive(change(dialer.greeting(), 0));
  const third = dialer.receive(change(Buffer.concat(second.reply ?? []), 1));
  const last = acceptor.receive(change(Buffer.concat(third.reply ?? []), 2));
  assert.equal(third.done?.peer, names[1]);
  assert.equal(last.done?.peer, names[0]);
  return { dialer: third.done.keys, acceptor: last.done.keys };
}

const refusal = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof UvsError && error.code === code && words.test(error.message);

describe("the handshake of directors", () => {
  test("leads to one key a direction, and to others the next time", () => {
    const [first, second] = [shake(), shake()];
    assert.deepEqual(first.dialer.sending, first.acceptor.receiving);
    assert.deepEqual(first.dialer.receiving, first.acceptor.sending);
    assert.notDeepEqual(first.dialer.sending, first.dialer.receiving);
    assert.notDeepEqual(first.dialer.sending, second.dialer.sending);
  });

  test("refuses another key, on whichever side", () => {
    const other = Buffer.from("a key that nobody else has at all");
    assert.throws(() => shake(undefined, [SYNC_KEY, other]), refusal("PERMISSION", /\(b\) has another key/));
    const acceptor = new Handshake("acceptor", "b", SYNC_KEY);
    const dialer = new Handshake("dialer", "a", other);
    acceptor.receive(dialer.greeting());
    assert.throws(() => acceptor.receive(randomBytes(32)), refusal("PERMISSION", /\(a\) has another key/));
  });

  test("refuses a proof that was made for the other role, and one that was heard before", () => {
    assert.throws(
      () => {
        let proof: Buffer = Buffer.alloc(0);
        shake((bytes, index) => {
          if (index === 1) proof = bytes.subarray(-32);
          return index === 2 ? proof : bytes;
        });
      },
      refusal("PERMISSION", /another key/),
    );
    let heard: Buffer = Buffer.alloc(0);
    shake((bytes, index) => {
      if (index === 2) heard = bytes;
      return bytes;
    });
    assert.throws(
      () => shake((bytes, index) => (index === 2 ? heard : bytes)),
      refusal("PERMISSION", /another key/),
    );
  });

  test("refuses a director of its own name, another version, and what is no greeting", () => {
    assert.throws(() => shake(undefined, undefined, ["a", "a"]), refusal("INVALID", /calls itself a/));
    const acceptor = () => new Handshake("acceptor", "b", SYNC_KEY);
    const greet = (fields: object) => Buffer.from(JSON.stringify(fields));
    const nonce = "0".repeat(64);
    for (const [greeting, words] of [
      [greet({ protocol: "uvs-sync", version: 2, node: "a", nonce }), /version 2, accepted is 1/],
      [greet({ protocol: "http", version: 1, node: "a", nonce }), /no director/],
      [greet({ protocol: "uvs-sync", version: 1, node: "a b", nonce }), /node name "a b"/],
      [greet({ protocol: "uvs-sync", version: 1, node: "a", nonce: "00" }), /no random part/],
      [Buffer.from("GET / HTTP/1.1\r\n"), /not JSON/],
      [Buffer.from("[]"), /no object/],
    ] as const) {
      assert.throws(() => acceptor().receive(greeting), refusal("INVALID", words));
    }
  });

  test("survives whatever is done to its frames, and never trusts any of it", () => {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    const random = mulberry(seed);
    for (let round = 0; round < 2000; round++) {
      const target = Math.floor(random() * 3);
      const damage = (bytes: Buffer, index: number): Buffer => {
        if (index !== target) return bytes;
        const copy = Buffer.from(bytes);
        if (random() < 0.3) return copy.subarray(0, Math.floor(random() * copy.length));
        copy[Math.floor(random() * copy.length)] ^= 1 << Math.floor(random() * 8);
        return copy;
      };
      assert.throws(() => shake(damage), UvsError, `round ${round}`);
    }
  });
});

describe("sealed messages", () => {
  function pair(): [Seal, Seal] {
    const { dialer, acceptor } = shake();
    return [new Seal(dialer), new Seal(acceptor)];
  }

  test("arrive as they were sent, both ways", () => {
    const [a, b] = pair();
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(b.open(Buffer.concat(a.close({ kind: "x", i }))), { kind: "x", i });
      assert.deepEqual(a.open(Buffer.concat(b.close({ kind: "y", i }))), { kind: "y", i });
    }
  });

  test("are refused when repeated, left out, changed, cut off, or sent back", () => {
    const faults: readonly ((first: Buffer, second: Buffer, a: Seal, b: Seal) => void)[] = [
      (first, _second, _a, b) => {
        b.open(first);
        b.open(first);
      },
      (_first, second, _a, b) => b.open(second),
      (first, _second, _a, b) => b.open(first.fill(0x20, 2, 3)),
      (first, _second, _a, b) => b.open(first.subarray(1)),
      (first, _second, _a, b) => b.open(first.subarray(0, 20)),
      (first, _second, a) => a.open(first),
    ];
    for (const fault of faults) {
      const [a, b] = pair();
      const first = Buffer.concat(a.close({ kind: "x" }));
      const second = Buffer.concat(a.close({ kind: "y" }));
      assert.throws(() => fault(first, second, a, b), refusal("PERMISSION", /not the peer's/));
    }
  });
});

describe("frames", () => {
  test("come out whole, however they arrive", () => {
    const bodies = ["", "one", "x".repeat(1000), "last"].map((text) => Buffer.from(text));
    const stream = Buffer.concat(bodies.map((body) => frame(body)));
    for (const step of [1, 3, 7, 500, stream.length]) {
      const reader = new FrameReader(1000);
      const found: Buffer[] = [];
      for (let at = 0; at < stream.length; at += step) {
        reader.push(stream.subarray(at, at + step));
        for (let body = reader.next(); body !== undefined; body = reader.next()) found.push(body);
      }
      assert.deepEqual(found, bodies, `${step} bytes at a time`);
    }
  });

  test("are refused by their announced length, before they are there", () => {
    const reader = new FrameReader(1000);
    reader.push(Buffer.from([0, 0, 3, 0xe9]));
    assert.throws(() => reader.next(), refusal("INVALID", /1001 bytes was announced, accepted are 1000/));
  });
});

describe("the key file", () => {
  test("is read without its last newline", () =>
    withTemporaryFolder((folder) => {
      const path = join(folder, "key");
      writeFileSync(path, `${"k".repeat(32)}\n`, { mode: 0o600 });
      assert.equal(readKeyFile(path).toString(), "k".repeat(32));
    }));

  test("is refused where others may read it, it is too short, too long, or not there", () =>
    withTemporaryFolder((folder) => {
      const path = join(folder, "key");
      const config = (words: RegExp) => refusal("CONFIG", words);
      assert.throws(() => readKeyFile(path), config(/key-file: .*key cannot be read: ENOENT/));
      writeFileSync(path, "k".repeat(32), { mode: 0o600 });
      chmodSync(path, 0o640);
      assert.throws(() => readKeyFile(path), config(/mode 0640.*chmod 600/));
      chmodSync(path, 0o600);
      writeFileSync(path, "short\n");
      assert.throws(() => readKeyFile(path), config(/5 bytes, accepted are at least 16/));
      writeFileSync(path, "k".repeat(2000));
      assert.throws(() => readKeyFile(path), config(/2000 bytes, accepted are at most 1024/));
    }));
});

/** Numbers from 0 to below 1 that a seed gives again. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
