import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePattern } from "../../../src/health/pattern.js";

test("patterns match, with Perl's leading flags", () => {
  assert.equal(compilePattern("receive", "status: (OK|fine)").test("status: fine"), true);
  assert.equal(compilePattern("receive", "^ok$").test("no\nok\n"), false);
  assert.equal(compilePattern("receive", "(?im)^OK$").test("no\nok\n"), true);
  assert.equal(compilePattern("receive", "a.+b").test("xa--bx"), true);
  assert.equal(compilePattern("receive", "a.+b").test("ab"), false);
});

test("a pattern that takes for ever on a hostile text fails the check within its time", () => {
  const pattern = compilePattern("receive", "^(a+)+$");
  assert.throws(() => pattern.test(`${"a".repeat(64)}!`), {
    code: "L7RSP",
    message: /takes more than 50 ms/,
  });
  assert.equal(pattern.test("aaa"), true, "and works again afterwards");
});

test("what is no pattern is refused, naming the option", () => {
  assert.throws(() => compilePattern("receive", "(a"), { code: "INVALID", message: /^receive: found "\(a"/ });
  assert.throws(() => compilePattern("receive", "a".repeat(5000)), { code: "INVALID", message: /4096/ });
});
