import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";
import { OPTIONS_OF_KIND } from "../../../src/core/check-options.js";
import { UvsError } from "../../../src/core/errors.js";
import { makeChecker } from "../../../src/director/health.js";

const options = { schedulers: ["wlc", "rr"], tryCheck: makeChecker };

/** A check of every kind with every option that it has; where options exclude one another, several checks. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  connect: ["address: 127.0.0.1, port: 81"],
  tls: ["sni: a.example, verify: true, verify-name: b.example, ca: CA, minimum-days: 7"],
  "tcp-expect": [
    'tls: { sni: a }, steps: [{ send: "x\\r\\n" }, { expect: y }, { send-hex: 00ff }, { expect-hex: "00" }, { expect-regex: ^z }, { end: true }]',
  ],
  http: [
    "method: POST, path: /a?b=c, host: a.example, headers: { X-A: b }, status: 2xx, body: up, body-regex: u+p",
    "tls: { verify-name: c, minimum-days: 3 }, body-hash: md5:00112233445566778899aabbccddeeff, body-limit: 10, redirects: 2",
  ],
  https: [
    "method: HEAD, path: /, host: a, headers: {}, status: 200-299, body: x, body-regex: y, body-limit: 0, redirects: 7, tls: { verify: false }",
    `body-hash: "sha256:${"0f".repeat(32)}"`,
  ],
  smtp: ["start-tls: true, helo: lb.example, tls: {}"],
  pop: ["tls: {}, user: u, password: p"],
  imap: ["tls: {}, user: u, password: p"],
  ftp: ["user: u, password: p, path: /f, body-regex: x"],
  dns: ["name: a.example, record: A, transport: tcp, answer: 192.0.2.1", "name: a, answer-regex: ^1"],
  redis: ["tls: {}, user: u, password: p"],
  mysql: ["tls: {}, user: u, password: p, database: d, query: SELECT 1"],
  postgres: ["tls: {}, user: u, password: p, database: d, query: SELECT 1"],
  ldap: ["tls: {}, user: cn=a, password: p, base-dn: dc=x, dn-regex: ^dc"],
  sip: ["transport: tcp, uri: u@a.example"],
  radius: ["user: u, password: p, secret: s, expect: any, nas-identifier: n"],
  udp: [
    "send: a, require-reply: true, expect: b, min-length: 1, max-length: 9",
    "send-hex: 0a, expect-hex: 0b",
  ],
  ping: [""],
  external: [
    "path: /bin/true, args: [a, b], style: keepalived, dynamic-weight: true, env: { A: b }",
    "path: /bin/true, style: mon, host: h",
  ],
  file: ["path: /run/down, action: drain, when: nonzero", "path: /run/weight, factor: 2"],
  agent: ["send: hello"],
};

const OPTIONS_OF_ALL = `interval: 1500ms, fast-interval: 200ms, down-interval: 9s, timeout: 1s, jitter: 50, warmup: 0s, count-from: end,
        rise: 4, fall: 5, initial: fully-up, damping: true`;

function config(lines: string): string {
  return `services:
  - listen: tcp://192.0.2.1:80
    realservers: [192.0.2.2]
${lines}
`;
}

/** Reads a text, dumps it, and reads that: the same configuration, and then the same text. */
function roundTrip(text: string) {
  const read = parseConfig(text, "uvs.yaml", options);
  const dumped = dumpConfig(read);
  const again = parseConfig(dumped, "dump.yaml", options);
  assert.deepEqual(again, read);
  assert.equal(dumpConfig(again), dumped);
  return read.services[0].settings.health!;
}

describe("a dump keeps every option of a check of type", () => {
  for (const [kind, accepted] of Object.entries(OPTIONS_OF_KIND)) {
    test(kind, () => {
      const given = new Set<string>();
      for (const text of CHECKS[kind]) {
        const parts = [`type: ${kind}`, text, OPTIONS_OF_ALL].filter((part) => part !== "");
        const [check] = roundTrip(
          config(`    health: { ${parts.join(", ").replace("CA", "/dev/null")} }`),
        ).checks;
        for (const name of Object.keys(check.options)) given.add(name);
        assert.equal(check.timing.intervalMs, 1500);
        assert.equal(check.rules.fall, 5);
      }
      assert.deepEqual([...given].sort(), [...accepted].sort(), "the test names every option");
    });
  }
});

test("a dump keeps what results do, passive checks, hooks and alerts", () => {
  const health = roundTrip(
    config(`    health: [{ type: ping }, { type: connect }]
    on-down: remove
    close-sessions: true
    slow-start: 1m
    quorum: 3
    hysteresis: 2
    panic: 40
    quorum-up: [/bin/up a "b c", { url: "http://192.0.2.9/", headers: { X: y } }]
    quorum-down: [{ program: /bin/down, args: [x], env: { A: b } }]
    passive: { error-limit: 7, on-error: mark-down, base: 2s, max: 1h, growth: linear, jitter: 0, max-ejected: 10, at-least-one: false, check-ends: false }
    alerts:
      - { down: [/bin/a], up: [/bin/b], after: 3, after-time: 1m, every: 1h, unless-changed: detail, strict: true, max-calls: 4, up-after: 2m, up-always: true, timeout: 5s }
      - { down: ["https://192.0.2.9/hook"] }`),
  );
  assert.deepEqual(
    [
      health.onDown,
      health.closeSessions,
      health.slowStartMs,
      health.quorum,
      health.hysteresis,
      health.panicPercent,
    ],
    ["remove", true, 60_000, 3, 2, 40],
  );
  assert.equal(health.passive?.onError, "mark-down");
  assert.deepEqual(health.alerts[0].every, { intervalMs: 3_600_000, unlessChanged: "detail", strict: true });
  assert.equal(health.alerts.length, 2);
});

test("a dump keeps any timing and rules", () => {
  const ms = fc.integer({ min: 100, max: 3_600_000 });
  const rules = fc.record({
    rise: fc.integer({ min: 1, max: 1000 }),
    fall: fc.integer({ min: 1, max: 1000 }),
    initial: fc.constantFrom("up", "down", "fully-up", "fully-down"),
  });
  fc.assert(
    fc.property(
      ms,
      ms,
      fc.integer({ min: 0, max: 50 }),
      rules,
      (interval, timeout, jitter, { rise, fall, initial }) => {
        const text = `interval: ${interval}ms, timeout: ${timeout}ms, jitter: ${jitter}, rise: ${rise}, fall: ${fall}, initial: ${initial}`;
        const [check] = roundTrip(config(`    health: { type: connect, ${text} }`)).checks;
        assert.deepEqual(check.rules, { rise, fall, initial });
        assert.deepEqual([check.timing.intervalMs, check.timing.timeoutMs], [interval, timeout]);
      },
    ),
    { numRuns: 50 },
  );
});

/** The errors of a text, one a line, without the file's name. */
function errorsOf(text: string): string[] {
  try {
    parseConfig(text, "f", options);
  } catch (error) {
    return UvsError.from(error)
      .message.split("\n")
      .map((line) => line.replace(/^f:/, ""));
  }
  return [];
}

describe("an error in a check is placed at", () => {
  const cases: [string, string, RegExp][] = [
    [
      "the value of an option that its kind refuses",
      "    health: { type: http, path: no-slash }",
      /^4:33: services\[0\]\.health.*path: found "no-slash", accepted/,
    ],
    [
      "the key of an option with a hyphen",
      "    health:\n      type: http\n      body-regex: '['",
      /^6:19: .*body-regex: found "\["/,
    ],
    [
      "an option that another kind has",
      "    health: { type: ping, path: / }",
      /^4:\d+: .*path: found an option that checks of type ping do not have, accepted are none/,
    ],
    ["the check where an option is missing", "    health: { type: external }", /^4:13: .*path: missing/],
    [
      "the second check of a list",
      "    health:\n      - { type: ping }\n      - { type: dns, record: X }",
      /^6:\d+: .*health\[1\]/,
    ],
    [
      "a header of a mapping",
      "    health:\n      type: http\n      headers: { 'A B': c }",
      /^6:16: .*headers: found "A B"/,
    ],
    [
      "a type that nobody knows",
      "    health: { type: htpp }",
      /^4:21: .*found "htpp".*accepted is one of connect, .*http/,
    ],
    ["a duration", "    health: { type: ping, interval: 0s }", /^4:37: .*interval: found/],
    ["a key that does not exist", "    health: { type: ping, intervall: 1s }", /^4:27: .*intervall/],
    [
      "a hysteresis that is not below the quorum",
      "    health: { type: ping }\n    hysteresis: 1",
      /^5:17: .*hysteresis: found 1, accepted is less than the quorum/,
    ],
    [
      "keys that mean nothing without checks",
      "    slow-start: 1s",
      /^4:17: .*slow-start: found without health or passive/,
    ],
    [
      "an alert without a path",
      "    passive: {}\n    alerts: [{ down: [mail] }]",
      /^5:\d+: .*alerts\[0\]\.down/,
    ],
  ];
  for (const [what, lines, message] of cases) {
    test(what, () => {
      const errors = errorsOf(config(lines));
      assert.equal(errors.length, 1, errors.join("\n"));
      assert.match(errors[0], message);
    });
  }
});

test("all errors of several checks are shown at once", () => {
  const lines = "    health: [{ type: http, path: x }, { type: dns, transport: y }]\n    panic: 101";
  assert.equal(errorsOf(config(lines)).length, 3);
});
