import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIp } from "../../../src/core/address.js";
import { UvsError } from "../../../src/core/errors.js";
import { realserverKey, type ServiceId, serviceKey } from "../../../src/core/model.js";
import { parseRealserverKey, parseServiceKey } from "../../../src/core/service-key.js";

const word = fc.nat(0xffffffff);
const address = fc.oneof(
  word.map((w) => formatIp(4, w)),
  fc.tuple(word, word, word, word).map((w) => formatIp(6, ...w)),
);
const endpoint = fc.record({ address, port: fc.nat(65535) }, { noNullPrototype: true });
const serviceId: fc.Arbitrary<ServiceId> = fc.oneof(
  fc
    .tuple(fc.constantFrom("tcp" as const, "udp" as const, "sctp" as const), endpoint)
    .map(([protocol, e]) => ({ protocol, ...e })),
  fc.record(
    { fwmark: fc.integer({ min: 1, max: 0xffffffff }), family: fc.constantFrom(4 as const, 6 as const) },
    { noNullPrototype: true },
  ),
);

const refuses = (parse: () => unknown, text: RegExp): void => {
  assert.throws(
    parse,
    (error) => error instanceof UvsError && error.code === "INVALID" && text.test(error.message),
  );
};

test("every service key that is printed parses back to the same service", () => {
  fc.assert(fc.property(serviceId, (id) => assert.deepEqual(parseServiceKey(serviceKey(id)), id)));
});

test("every realserver key that is printed parses back to the same endpoint", () => {
  fc.assert(fc.property(endpoint, (e) => assert.deepEqual(parseRealserverKey(realserverKey(e)), e)));
});

test("an IPv6 address in another spelling becomes canonical", () => {
  assert.deepEqual(parseServiceKey("tcp://[2001:DB8:0:0::1]:80"), {
    protocol: "tcp",
    address: "2001:db8::1",
    port: 80,
  });
});

for (const text of [
  "",
  "10.0.0.1:80",
  "http://10.0.0.1:80",
  "TCP://10.0.0.1:80",
  "tcp:10.0.0.1:80",
  "tcp://10.0.0.1",
  "tcp://10.0.0.1:",
  "tcp://10.0.0.1:65536",
  "tcp://10.0.0.1:-1",
  "tcp://10.0.0.1:80/",
  "tcp://10.0.0.1:80\n",
  "tcp:// 10.0.0.1:80",
  "tcp://10.0.0:80",
  "tcp://[10.0.0.1]:80",
  "tcp://2001:db8::1:80",
  "tcp://[fe80::1%eth0]:80",
  "tcp://localhost:80",
  "fwmark://0",
  "fwmark://4294967296",
  "fwmark://0x8",
  "fwmark://8 ",
  "fwmark://",
]) {
  test(`the service ${JSON.stringify(text)} is refused with what is accepted`, () => {
    refuses(() => parseServiceKey(text), /^service: found .*accepted is tcp:\/\//);
  });
}

for (const text of ["", "10.0.0.2", "10.0.0.2:http", "10.0.0.2:99999", "fd77::1", "[fd77::1]", "[]:80"]) {
  test(`the realserver ${JSON.stringify(text)} is refused with what is accepted`, () => {
    refuses(() => parseRealserverKey(text), /^realserver: found .*accepted is ADDRESS:PORT/);
  });
}

test("a very long text is shortened in the message", () => {
  refuses(() => parseServiceKey("x".repeat(100_000)), /^.{1,400}$/);
});
