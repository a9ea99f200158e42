import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type HttpOptions, httpCheck } from "../../../src/health/checks/http.js";
import { parseStatusSet } from "../../../src/health/checks/status-set.js";
import { connectCheck } from "../../../src/health/checks/tcp.js";
import { type ExpectStep, expectCheck } from "../../../src/health/checks/tcp-expect.js";
import { tlsCheck } from "../../../src/health/checks/tls.js";

test("status sets are codes, ranges and classes", () => {
  const accepts = parseStatusSet("status", "200-202, 301,4XX");
  const accepted = Array.from({ length: 700 }, (_, i) => i).filter(accepts);
  assert.deepEqual(accepted, [200, 201, 202, 301, ...Array.from({ length: 100 }, (_, i) => 400 + i)]);
  for (const text of ["", "99", "600", "299-200", "2x", "200,,201", "200-"]) {
    assert.throws(
      () => parseStatusSet("status", text),
      { code: "INVALID", message: /^status: found / },
      text,
    );
  }
});

describe("the http check refuses", () => {
  const cases: [HttpOptions, RegExp][] = [
    [{ path: "no-slash" }, /^path: found "no-slash"/],
    [{ path: "/a b" }, /^path: /],
    [{ path: "/\r\nX: y" }, /^path: /],
    [{ host: "a\r\nX: y" }, /^host: /],
    [{ method: "G ET" }, /^method: /],
    [{ headers: { "A B": "c" } }, /^headers: found "A B"/],
    [{ headers: { A: "c\r\nX: y" } }, /^headers\.A: /],
    [{ bodyLimit: -1 }, /^bodyLimit: found -1, accepted is a whole number of bytes from 0 to 1048576/],
    [{ redirects: 8 }, /^redirects: /],
    [{ bodyHash: "sha1:00" }, /^bodyHash: /],
    [{ bodyRegex: "[" }, /^bodyRegex: /],
  ];
  for (const [options, message] of cases) {
    test(JSON.stringify(options), () =>
      assert.throws(() => httpCheck(options), { code: "INVALID", message }),
    );
  }
});

describe("the send/expect check refuses", () => {
  const cases: [ExpectStep[], RegExp][] = [
    [[], /^steps: found 0/],
    [[{ sendHex: "0" }], /^steps\[0\]\.sendHex: /],
    [[{ send: "x" }, { expectHex: "zz" }], /^steps\[1\]\.expectHex: /],
    [[{ expect: "" }], /^steps\[0\]\.expect: /],
    [[{ expectRegex: "(" }], /^steps\[0\]\.expectRegex: /],
    [[{} as ExpectStep], /^steps\[0\]: found {}/],
  ];
  for (const [steps, message] of cases) {
    test(JSON.stringify(steps), () =>
      assert.throws(() => expectCheck({ steps }), { code: "INVALID", message }),
    );
  }
});

test("keys are equal where checks do the same, and differ in every parameter", () => {
  assert.equal(httpCheck().key, httpCheck({ method: "get", path: "/", status: "200-299" }).key);
  const keys = [
    httpCheck(),
    httpCheck({ tls: {} }),
    httpCheck({ tls: { verify: true } }),
    httpCheck({ tls: { sni: "a.example" } }),
    httpCheck({ method: "HEAD" }),
    httpCheck({ path: "/a" }),
    httpCheck({ host: "a" }),
    httpCheck({ headers: { A: "b" } }),
    httpCheck({ status: "200" }),
    httpCheck({ body: "a" }),
    httpCheck({ bodyRegex: "a" }),
    httpCheck({ bodyHash: `md5:${"0".repeat(32)}` }),
    httpCheck({ bodyLimit: 1 }),
    httpCheck({ redirects: 1 }),
    connectCheck(),
    tlsCheck(),
    tlsCheck({ minimumDays: 1 }),
    expectCheck({ steps: [{ send: "a" }] }),
    expectCheck({ steps: [{ expect: "a" }] }),
    expectCheck({ steps: [{ send: "a" }], tls: {} }),
  ].map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});

test("names are for people: no line breaks, no body, no headers", () => {
  assert.equal(httpCheck({ path: "/a", host: "www", body: "secret" }).name, "http GET www/a");
  assert.equal(tlsCheck({ sni: "www" }).name, "tls handshake for www");
});
