import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfig } from "../../../src/config/load.js";
import type { VirtualService } from "../../../src/core/model.js";

const OPTIONS = { schedulers: ["wlc", "dh"] };

function service(keys: string, rest = ""): VirtualService {
  return parseConfig(`services: [{ ${keys} }]\n${rest}`, "uvs.yaml", OPTIONS).services[0];
}

const REFUSED: readonly [keys: string, message: RegExp, rest?: string][] = [
  [
    "listen: 'tcp://10.0.0.1:80', transparent: true",
    /transparent: .*false with dataplane: net/,
    "dataplane: net",
  ],
  ["listen: 'sctp://10.0.0.1:53', transparent: true", /transparent: .*only TCP and UDP have it/],
  [
    "listen: 'tcp://10.0.0.1:80', transparent: true, realservers: ['[fd77::1]:80']",
    /realservers\[0\]\.address: found an IPv6 address, accepted is an IPv4 one/,
  ],
  ["listen: 'tcp://10.0.0.1:80', transparent: true, source: [10.0.0.2]", /source: found it with transparent/],
  [
    "listen: 'tcp://10.0.0.1:80', source: [www.example.net]",
    /source\[0\]: found "www.example.net", accepted is a unicast/,
  ],
  ["listen: 'tcp://10.0.0.1:80', source: [10.0.0.2, 10.0.0.2]", /source: found 10\.0\.0\.2 twice/],
  [
    "listen: 'tcp://10.0.0.1:80', intercept: true",
    /intercept: found true, accepted is false, or listen: tcp:\/\/any:PORT/,
  ],
  ["listen: 'tcp://any:80', bypass: true", /bypass: found true, accepted is false without intercept/],
  [
    "listen: 'tcp://any:80', intercept: true, bypass: true, sorry: '127.0.0.1:80'",
    /sorry: found it with bypass/,
  ],
  [
    "listen: 'tcp://any:0', intercept: true, ports: [80]",
    /ports: found a list, accepted is nothing with intercept/,
  ],
];

describe("addresses of connections in the file", () => {
  test("transparent and source are read; without them neither is there", () => {
    assert.equal(service("listen: 'tcp://10.0.0.1:80', transparent: true").settings.transparent, true);
    const { settings } = service("listen: 'tcp://10.0.0.1:80', source: [10.0.0.2, 'FD77::2']");
    assert.deepEqual(settings.source, ["10.0.0.2", "fd77::2"]);
    assert.equal("transparent" in settings, false);
    assert.equal("source" in service("listen: 'tcp://10.0.0.1:80'").settings, false);
  });

  test("any and any6 stand for every address of their family", () => {
    const four = service("listen: 'tcp://any:80', intercept: true, bypass: true, scheduler: dh");
    assert.deepEqual(four.id, { protocol: "tcp", address: "0.0.0.0", port: 80 });
    assert.deepEqual(four.settings.intercept, { bypass: true });
    const six = service("listen: 'tcp://any6:http', intercept: true");
    assert.deepEqual(six.id, { protocol: "tcp", address: "::", port: 80 });
    assert.deepEqual(six.settings.intercept, { bypass: false });
  });

  for (const [keys, message, rest] of REFUSED) {
    test(`refuses ${keys}${rest ? ` with ${rest}` : ""}`, () => {
      assert.throws(() => service(keys, rest), { code: "CONFIG", message });
    });
  }
});
