import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";
import { UvsError } from "../../../src/core/errors.js";

const parse = (...keys: readonly string[]) =>
  parseConfig(`services:\n  - ${["listen: tcp://10.0.0.1:80", ...keys].join("\n    ")}\n`, "uvs.yaml", {
    schedulers: ["wlc"],
  });

describe("the keys of the PROXY protocol", () => {
  test("a version alone is the whole entry", () => {
    const [{ realservers }] = parse(
      "realservers: [{ address: 10.0.0.2, proxy-protocol: v1 }, { address: 10.0.0.3, proxy-protocol: v2 }]",
    ).services;
    assert.deepEqual(
      realservers.map(({ proxyProtocol }) => proxyProtocol),
      [1, 2].map((version) => ({ version, crc32c: false, uniqueId: false })),
    );
  });

  test("networks are taken in their canonical form, all else has its default", () => {
    const [{ settings }] = parse('accept-proxy: { from: [10.0.0.0/8, 192.0.2.1, "FD77::/16"] }').services;
    assert.deepEqual(settings.acceptProxy, {
      from: ["10.0.0.0/8", "192.0.2.1/32", "fd77::/16"],
      others: "plain",
      timeoutMs: 5000,
      maxHeader: 536,
    });
  });

  test("a dump has no more than what differs from the defaults", () => {
    const text = dumpConfig(
      parse(
        "sorry: 127.0.0.1:8080",
        "sorry-proxy-protocol: v2",
        "accept-proxy: { from: [10.0.0.0/8], others: refuse }",
        "realservers: [{ address: 10.0.0.2, proxy-protocol: { version: v2, unique-id: true } }]",
      ),
    );
    assert.equal(
      text,
      `services:
  - listen: tcp://10.0.0.1:80
    sorry: 127.0.0.1:8080
    sorry-proxy-protocol: v2
    accept-proxy:
      from:
        - 10.0.0.0/8
      others: refuse
    realservers:
      - address: 10.0.0.2:80
        proxy-protocol:
          version: v2
          unique-id: true
`,
    );
  });

  for (const [keys, message] of [
    [["accept-proxy: {}"], "accept-proxy: found 0 networks in from, accepted are 1 to 64"],
    [
      ["accept-proxy: { from: [10.0.0.1/8] }"],
      'accept-proxy.from[0]: found "10.0.0.1/8" (it has bits set behind its 8th), accepted is 10.0.0.0/8',
    ],
    [
      ["accept-proxy: { from: [proxies] }"],
      'accept-proxy.from[0]: found "proxies", accepted is a network such as 10.0.0.0/8 or fd77::/16, or an address',
    ],
    [
      ["accept-proxy: { from: [10.0.0.0/8], max-header: 100 }"],
      "accept-proxy.max-header: found 100, accepted is a whole number from 536 to 65535",
    ],
    [
      ["realservers: [{ address: 10.0.0.2, proxy-protocol: v3 }]"],
      'realservers[0].proxy-protocol.version: found "v3" (did you mean v1?), accepted is one of v1, v2',
    ],
    [
      ["realservers: [{ address: 10.0.0.2, proxy-protocol: { version: v1, crc32c: true } }]"],
      "realservers[0].proxy-protocol: found v1 with crc32c or unique-id, accepted is v2 with them: a line of text carries neither",
    ],
    [
      ["sorry-proxy-protocol: v1"],
      "sorry-proxy-protocol: found it without sorry, accepted is it together with sorry",
    ],
  ] as const) {
    test(`refused: ${keys.join(", ")}`, () => {
      assert.throws(
        () => parse(...keys),
        (error) => error instanceof UvsError && error.message.endsWith(`services[0].${message}`),
        message,
      );
    });
  }

  test("UDP services have no headers of clients, and send version 2 only", () => {
    const text = `services:
  - listen: udp://10.0.0.1:53
    accept-proxy: { from: [10.0.0.0/8] }
    realservers: [{ address: 10.0.0.2, proxy-protocol: v1 }]
`;
    assert.throws(
      () => parseConfig(text, "uvs.yaml", { schedulers: ["wlc"] }),
      /found it for udp.*v2 for udp/s,
    );
  });

  test("a mark with members of UDP reads no headers of clients, one with members of TCP does", () => {
    const marked = (members: string) => {
      const text = `services:
  - listen: [ ${members} ]
    mark: 8
    accept-proxy: { from: [10.0.0.0/8] }
`;
      return parseConfig(text, "uvs.yaml", { schedulers: ["wlc"] });
    };
    assert.throws(
      () => marked('"tcp://10.0.0.1:53", "udp://10.0.0.1:53"'),
      /services\[0\]\.accept-proxy: found it with the member udp:\/\/10\.0\.0\.1:53, accepted are members of TCP with it/,
    );
    assert.equal(marked('"tcp://10.0.0.1:53"').services[0].settings.acceptProxy?.from.length, 1);
  });
});
