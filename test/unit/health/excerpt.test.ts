import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escaped, excerpt } from "../../../src/health/excerpt.js";
import { failureOf } from "../../../src/health/failure.js";

test("an excerpt is quoted, on one line and escaped", () => {
  assert.equal(excerpt('a "b"\r\n\x1b[31m\\'), '"a \\"b\\"\\r\\n\\x1b[31m\\\\"');
  assert.equal(excerpt("\u202eabc"), '"\\u{202e}abc"');
  assert.equal(excerpt(""), "nothing");
});

test("an excerpt is bounded, and says where it was cut", () => {
  assert.equal(excerpt("x".repeat(500), 3), '"xxx"...');
  assert.equal(excerpt(Buffer.alloc(1 << 20, 120), 3), '"xxx"...');
  assert.equal(excerpt("xxx", 3), '"xxx"');
});

test("whatever bytes come, nothing reaches a terminal but printable characters", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.doesNotMatch(excerpt(bytes), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(escaped(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("a thrown error becomes a reason on one bounded line", () => {
  const { code, reason } = failureOf(new Error(`bad\n${"x".repeat(1000)}`));
  assert.equal(code, "SOCKERR");
  assert.ok(reason.startsWith("bad\\nxxx") && reason.length < 320);
  assert.equal(failureOf("text").reason, "text");
  assert.equal(failureOf(Object.assign(new Error(""), { code: "EHOSTUNREACH" })).reason, "host unreachable");
});
