/** Marks with members, and services of all ports with their ports, as the file has them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Config } from "../../../src/config/config.js";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";

const parse = (text: string): Config => parseConfig(text, "uvs.yaml", { schedulers: ["wlc"] });
const service = (lines: string): string =>
  `services:\n  - ${lines.split("\n").join("\n    ")}\n    persistence: {}\n`;

describe("a service of the file", () => {
  test("with mark is the mark, and listens on its members", () => {
    const text = service('listen: ["tcp://10.0.0.1:80", "tcp://10.0.0.2:https"]\nmark: 8');
    const [{ id, settings }] = parse(text).services;
    assert.deepEqual(id, { fwmark: 8, family: 4 });
    assert.deepEqual(settings.listenOn, [
      { address: "10.0.0.1", port: 80 },
      { address: "10.0.0.2", port: 443 },
    ]);
  });

  test("with mark has members of TCP and of UDP, also at the same address and port", () => {
    const members = '["tcp://10.0.0.1:53", "udp://10.0.0.1:53", "udp://10.0.0.2:domain"]';
    const [{ id, settings }] = parse(service(`listen: ${members}\nmark: 8`)).services;
    assert.deepEqual(id, { fwmark: 8, family: 4 });
    assert.deepEqual(settings.listenOn, [
      { address: "10.0.0.1", port: 53 },
      { address: "10.0.0.1", port: 53, transport: "udp" },
      { address: "10.0.0.2", port: 53, transport: "udp" },
    ]);
  });

  test("with mark and one IPv6 member is the mark of that family", () => {
    const [{ id, settings }] = parse(service('listen: "tcp://[fd77::1]:80"\nmark: 8')).services;
    assert.deepEqual(id, { fwmark: 8, family: 6 });
    assert.deepEqual(settings.listenOn, [{ address: "fd77::1", port: 80 }]);
    assert.equal(settings.persistence?.netmask, 128);
  });

  test("with ports listens on each of them at its address", () => {
    const [{ id, settings }] = parse(
      service('listen: tcp://10.0.0.1:0\nports: [21, "1024-1026", 1025]'),
    ).services;
    assert.deepEqual(id, { protocol: "tcp", address: "10.0.0.1", port: 0 });
    assert.deepEqual(
      settings.listenOn?.map(({ port }) => port),
      [21, 1024, 1025, 1026],
    );
  });

  test("without either has nothing of its own to listen on", () => {
    for (const listen of ["fwmark://8", "tcp://10.0.0.1:0", "tcp://10.0.0.1:80"]) {
      assert.equal(parse(service(`listen: ${listen}`)).services[0].settings.listenOn, undefined);
    }
  });

  for (const lines of [
    'listen: ["tcp://10.0.0.1:80", "tcp://10.0.0.2:443"]\nmark: 8',
    'listen: ["tcp://10.0.0.1:53", "udp://10.0.0.1:53"]\nmark: 8',
    'listen: tcp://10.0.0.1:0\nports: [21, "1024-1026"]',
    'listen: udp://10.0.0.1:0\nports: [5060, "10000-10003"]',
  ]) {
    test(`comes back from a dump: ${lines.replace("\n", ", ")}`, () => {
      const config = parse(service(lines));
      assert.deepEqual(parse(dumpConfig(config)), config);
    });
  }

  const REFUSED: readonly [string, RegExp][] = [
    [
      'listen: ["tcp://10.0.0.1:80"]',
      /services\[0\]\.listen: found a list, accepted is one address without mark/,
    ],
    ["listen: fwmark://8\nmark: 8", /services\[0\]\.listen: accepted with mark are members/],
    ['listen: ["tcp://10.0.0.1:0"]\nmark: 8', /services\[0\]\.listen: accepted with mark are members/],
    ['listen: ["tcp://10.0.0.1:80", "tcp://[fd77::1]:80"]\nmark: 8', /all of one family/],
    ["listen: []\nmark: 8", /services\[0\]\.listen: found/],
    ["listen: tcp://10.0.0.1:80\nmark: 0", /services\[0\]\.mark: found 0/],
    [
      "listen: tcp://10.0.0.1:80\nports: [21]",
      /services\[0\]\.ports: accepted only for a service of all ports/,
    ],
    ["listen: fwmark://8\nports: [21]", /services\[0\]\.ports: accepted only for a service of all ports/],
    ['listen: tcp://10.0.0.1:0\nports: ["30-20"]', /services\[0\]\.ports\[0\]: found "30-20"/],
    [
      'listen: tcp://10.0.0.1:0\nports: ["1-2000"]',
      /services\[0\]\.ports: found 2000 ports, accepted are at most 1024/,
    ],
  ];
  for (const [lines, message] of REFUSED) {
    test(`is refused: ${lines.replace("\n", ", ")}`, () => {
      assert.throws(() => parse(service(lines)), { code: "CONFIG", message });
    });
  }
});
