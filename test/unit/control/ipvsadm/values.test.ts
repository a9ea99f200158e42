import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  inetAton,
  schedulerFlagBits,
  schedulerFlagNames,
  wholeNumber,
} from "../../../../src/control/ipvsadm/values.js";
import { formatIp } from "../../../../src/core/address.js";

test("addresses of fewer than four parts are filled as inet_aton(3) does", () => {
  const cases: Record<string, string | undefined> = {
    "1.2.3.4": "1.2.3.4",
    "10.77.0": "10.77.0.0",
    "10.77.100": "10.77.0.100",
    "1.2.65535": "1.2.255.255",
    "1.16777215": "1.255.255.255",
    "0x7f000001": "127.0.0.1",
    "010.077.0.100": "8.63.0.100",
    "0": "0.0.0.0",
    "1.2.3.4 x": "1.2.3.4",
    "": undefined,
    " 1.2.3.4": undefined,
    "1.2.65536": undefined,
    "1.16777216": undefined,
    "4294967296": undefined,
    "1.2.3.256": undefined,
    "256.1.1.1": undefined,
    "08.1.1.1": undefined,
    "1.2.3.4.": undefined,
    "1.2.3.4.5": undefined,
    "1..2": undefined,
    "0x": undefined,
  };
  for (const [text, address] of Object.entries(cases))
    assert.equal(inetAton(text), address, JSON.stringify(text));
});

test("every dotted quad without leading zeros is itself", () => {
  const quad = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join("."));
  fc.assert(fc.property(quad, (text) => inetAton(text) === text));
});

test("one number is the whole address, in decimal, octal or hexadecimal", () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (word) => {
      const address = formatIp(4, word);
      return [String(word), `0x${word.toString(16)}`, `0${word.toString(8)}`].every(
        (text) => inetAton(text) === address,
      );
    }),
  );
});

test("whole numbers are read as strtol does, within their bounds", () => {
  for (const [text, value] of [
    ["5", 5],
    ["+5", 5],
    [" 5", 5],
    ["010", 10],
    ["0", 0],
    ["10", 10],
  ] as const) {
    assert.equal(wholeNumber(text, 0, 10), value, JSON.stringify(text));
  }
  for (const text of ["", " ", "-1", "11", "5 ", "5x", "0x5", "1.5", "1e1", "٣"]) {
    assert.equal(wholeNumber(text, 0, 10), undefined, JSON.stringify(text));
  }
});

test("scheduler flags go to their bits and back under the names of their scheduler", () => {
  assert.equal(schedulerFlagBits("sh-port,sh-fallback", "sh"), 0x18);
  assert.deepEqual(schedulerFlagNames(0x18, "sh"), ["sh-fallback", "sh-port"]);
  assert.deepEqual(schedulerFlagNames(0x18, "mh"), ["mh-fallback", "mh-port"]);
  assert.deepEqual(schedulerFlagNames(0x38, "rr"), ["flag-1", "flag-2", "flag-3"]);
  assert.deepEqual(schedulerFlagNames(0x20, "sh"), []);
});

test("a flag of another scheduler and an unknown one are refused, each in its own words", () => {
  assert.throws(() => schedulerFlagBits("sh-port", "rr"), {
    message: "incompatible scheduler flag `sh-port'",
  });
  assert.throws(() => schedulerFlagBits("x", "rr"), { message: "invalid scheduler flag `x'" });
  assert.throws(() => schedulerFlagBits("toString", "rr"), { message: "invalid scheduler flag `toString'" });
});
