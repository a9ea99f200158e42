import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServiceBook } from "../../../src/balancer/service-book.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type ServiceId,
  type ServiceSettings,
} from "../../../src/core/model.js";

const WEB: ServiceId = { protocol: "tcp", address: "10.0.0.1", port: 80 };
const ANY: ServiceId = { protocol: "tcp", address: "0.0.0.0", port: 80 };
const SORRY = { address: "127.0.0.1", port: 8080 };

function add(id: ServiceId, settings: Partial<ServiceSettings>, canBeTransparent = true): ServiceBook {
  const book = new ServiceBook({ services: 4, realservers: 8 }, { canBeTransparent });
  book.add({ id, settings: { ...DEFAULT_SETTINGS, ...settings }, realservers: [] });
  return book;
}

const REFUSED: readonly [what: string, id: ServiceId, settings: Partial<ServiceSettings>, message: RegExp][] =
  [
    [
      "transparent for UDP",
      { ...WEB, protocol: "sctp" },
      { transparent: true },
      /^transparent: .* only TCP and UDP have it$/,
    ],
    [
      "transparent with source",
      WEB,
      { transparent: true, source: ["10.0.0.9"] },
      /^source: found it with transparent/,
    ],
    ["an empty source", WEB, { source: [] }, /^source: found 0 addresses, accepted is 1 to 64$/],
    ["a source twice", WEB, { source: ["10.0.0.9", "10.0.0.9"] }, /^source: found an address twice/],
    [
      "a source that is none",
      WEB,
      { source: ["224.0.0.1"] },
      /^source: found "224\.0\.0\.1", accepted is a unicast/,
    ],
    [
      "a source spelt otherwise",
      WEB,
      { source: ["FD77::1"] },
      /^source: found "FD77::1", .* canonical form$/,
    ],
    [
      "intercept at one address",
      WEB,
      { intercept: { bypass: false } },
      /^intercept: found it for tcp:\/\/10\.0\.0\.1:80/,
    ],
    ["intercept for UDP", { ...ANY, protocol: "udp" }, { intercept: { bypass: false } }, /^intercept: /],
    [
      "bypass with sorry",
      ANY,
      { intercept: { bypass: true }, sorry: SORRY },
      /^sorry: found it with intercept\.bypass/,
    ],
  ];

describe("addresses of connections", () => {
  for (const [what, id, settings, message] of REFUSED) {
    test(`${what} is refused`, () => {
      assert.throws(() => add(id, settings), { code: "INVALID", message });
    });
  }

  test("with the data plane net transparent is refused, and the message says what it needs", () => {
    assert.throws(() => add(WEB, { transparent: true }, false), {
      code: "UNSUPPORTED",
      message: /data plane net.*needs Linux and the package koffi$/,
    });
  });

  test("a transparent service takes realservers of its own family only, however they come", () => {
    const v6 = { ...DEFAULT_REALSERVER, address: "fd77::1", port: 80 };
    const refusal = {
      code: "INVALID",
      message: /^realserver address: found fd77::1, accepted is an IPv4 address/,
    };
    assert.throws(() => add(WEB, { transparent: true }).addRealserver(WEB, v6), refusal);
    const plain = add(WEB, {});
    plain.addRealserver(WEB, v6);
    assert.throws(() => plain.edit(WEB, { ...DEFAULT_SETTINGS, transparent: true }), refusal);
    assert.equal(plain.service(WEB).settings.transparent, undefined);
    const mark: ServiceId = { fwmark: 8, family: 6 };
    add(mark, { transparent: true }).addRealserver(mark, v6);
  });
});
