import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAuthKeys, readAuthKeys } from "../../../../src/ha/heartbeat/auth-keys.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

const BYTES = Buffer.from("some bytes");

describe("a key file", () => {
  test("may hold several keys: the active one signs, all verify", () => {
    const keys = parseAuthKeys("# rotation\nauth 2\n1 sha1 old\n2 sha256 new # from May\n", "authkeys");
    const old = parseAuthKeys("auth 1\n1 sha1 old\n", "authkeys");
    assert.match(keys.sign(BYTES), /^2 [0-9a-f]{64}$/);
    const [number, digest] = old.sign(BYTES).split(" ");
    assert.equal(keys.verify(BYTES, Number(number), digest), undefined);
    assert.equal(keys.verify(Buffer.from("others"), Number(number), digest), "wrong_digest");
    assert.equal(keys.verify(BYTES, 3, digest), "unknown_key");
  });

  test("warns of methods that protect from nobody", () => {
    const keys = parseAuthKeys("auth 1\n1 crc\n2 md5 word\n3 sha1 word\n4 sha512 word\n", "authkeys");
    assert.deepEqual(
      keys.warnings.map((warning) => warning.split(":")[0]),
      ["key 1", "key 2"],
    );
  });

  for (const [text, message] of [
    ["", /found no auth line/],
    ["1 sha1 word", /found no auth line/],
    ["auth 2\n1 sha1 word", /auth 2 without key 2/],
    ["auth 1\nauth 1\n1 sha1 word", /line 2: found a second auth line/],
    ["auth x\n1 sha1 word", /line 1: found "x", accepted is a key number from 0 to 15/],
    ["auth 1\n16 sha1 word", /line 2: found "16"/],
    ["auth 1\n1 sha9 word", /line 2: found method "sha9", accepted is crc, md5, sha1/],
    ["auth 1\n1 sha1", /line 2: found no key, accepted is one with sha1/],
    ["auth 1\n1 crc word", /line 2: found a key, accepted is none with crc/],
    ["auth 1\n1 sha1 two words", /line 2: found more than one word/],
    ["auth 1\n1 sha1 word\n1 sha1 other", /line 3: found key 1 again/],
  ] as const) {
    test(`is refused: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseAuthKeys(text, "authkeys"), message);
    });
  }

  test("is refused where others may read it, and never quoted", () =>
    withTemporaryFolder((folder) => {
      const path = join(folder, "authkeys");
      writeFileSync(path, "auth 1\n1 sha1 secret two\n", { mode: 0o600 });
      assert.throws(
        () => readAuthKeys(path),
        (error: Error) => !error.message.includes("secret"),
      );
      writeFileSync(path, "auth 1\n1 sha1 word\n");
      assert.match(readAuthKeys(path).sign(BYTES), /^1 /);
      for (const mode of [0o640, 0o604, 0o644, 0o601]) {
        chmodSync(path, mode);
        assert.throws(() => readAuthKeys(path), /accepted is 0600: chmod 600/);
      }
      assert.throws(() => readAuthKeys(`${path}.no`), /cannot be read/);
    }));
});
