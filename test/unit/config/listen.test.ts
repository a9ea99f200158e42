import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEndpoint } from "../../../src/config/endpoint.js";
import { LISTEN_PATTERN, parseListen } from "../../../src/config/listen.js";
import { createPortLookup } from "../../../src/config/port-names.js";

const portOf = createPortLookup("/nonexistent/services");

const LISTENS: readonly [string, string, number][] = [
  ["tcp://192.168.71.205:80", "192.168.71.205", 80],
  ["tcp://10.0.0.1:https", "10.0.0.1", 443],
  ["TCP://10.0.0.1:65535", "10.0.0.1", 65535],
  ["tcp://[fd77::1]:http", "fd77::1", 80],
  ["tcp://[FD77:0:0::0001]:80", "fd77::1", 80],
  ["tcp://0.0.0.0:80", "0.0.0.0", 80],
  ["tcp://[::]:80", "::", 80],
];

for (const [url, address, port] of LISTENS) {
  test(`${url} listens on ${address} port ${port}`, () => {
    assert.deepEqual(parseListen(url, portOf), { protocol: "tcp", address, port });
  });
}

const REFUSED: readonly [unknown, RegExp][] = [
  [
    "dccp://10.0.0.1:53",
    /^found "dccp:\/\/10\.0\.0\.1:53" \(the protocol is unknown\), accepted is tcp:\/\//,
  ],
  ["fwmark://0", /the mark is no whole number from 1 to 4294967295/],
  ["fwmark://4294967296", /the mark is no whole number/],
  ["fwmark://0x8", /the mark is no whole number/],
  ["10.0.0.1:80", /the protocol is missing/],
  ["tcp://10.0.0.1", /the port is missing/],
  ["tcp://10.0.0.1:", /the port is missing/],
  ["tcp://10.0.0.1:65536", /port 65536 is outside of 0 to 65535/],
  ["tcp://10.0.0.1:htp", /no tcp service is called "htp"/],
  ["tcp://10.0.0.1:80/", /no tcp service is called "80\/"/],
  ["tcp://:80", /the address is missing/],
  ["tcp://10.0.0.256:80", /"10\.0\.0\.256" is not an IP address/],
  ["tcp://10.0.1:80", /"10\.0\.1" is not an IP address/],
  ["tcp://www.example.com:80", /"www\.example\.com" is a host name; names are not looked up/],
  ["tcp://localhost:80", /"localhost" is a host name/],
  ["tcp://[fe80::1%eth0]:80", /addresses with a zone are not supported/],
  ["tcp://fd77::1:80", /the port is missing/],
  [80, /^found 80, accepted is/],
  [undefined, /^missing, accepted is/],
];

for (const [url, message] of REFUSED) {
  test(`listening on ${JSON.stringify(url)} is refused with ${message}`, () => {
    assert.throws(() => parseListen(url, portOf), { code: "INVALID", message });
  });
}

const OTHERS: readonly [string, ReturnType<typeof parseListen>][] = [
  ["udp://10.0.0.1:domain", { protocol: "udp", address: "10.0.0.1", port: 53 }],
  ["sctp://[fd77::1]:5060", { protocol: "sctp", address: "fd77::1", port: 5060 }],
  ["tcp://10.0.0.1:0", { protocol: "tcp", address: "10.0.0.1", port: 0 }],
  ["fwmark://8", { fwmark: 8, family: 4 }],
  ["FWMARK6://4294967295", { fwmark: 4294967295, family: 6 }],
];

for (const [url, id] of OTHERS) {
  test(`${url} is ${JSON.stringify(id)}`, () => {
    assert.deepEqual(parseListen(url, portOf), id);
    assert.match(url, new RegExp(LISTEN_PATTERN));
  });
}

test("a list in the place of an address tells that brackets need quotes", () => {
  assert.throws(() => parseEndpoint(["fd77::1"], portOf), {
    message: /^found a list \(an address in brackets must stand in quotes\), accepted is ADDRESS:PORT/,
  });
});
