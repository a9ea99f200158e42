import assert from "node:assert/strict";
import { test } from "node:test";
import type { UvsError } from "../../src/core/errors.js";
import { DEFAULT_SETTINGS } from "../../src/core/model.js";
import { ask, service, startControl, WEB_PATH } from "../helpers/control-fixture.js";

const REFUSED: readonly [
  what: string,
  method: string,
  target: string,
  body: unknown,
  status: number,
  text: RegExp,
][] = [
  ["malformed JSON", "POST", "/v1/services", "{", 400, /JSON/],
  ["a body that is not UTF-8 JSON", "POST", "/v1/services", "\ud800{", 400, /JSON/],
  [
    "no body where one is needed",
    "POST",
    "/v1/services",
    undefined,
    400,
    /body: found nothing, accepted is an object/,
  ],
  ["a list as body", "POST", "/v1/services", [], 400, /body: found a list, accepted is an object/],
  ["a broken service key", "POST", "/v1/services", { key: "tcp://x:1" }, 400, /service: found "tcp:\/\/x:1"/],
  [
    "an unknown key",
    "POST",
    "/v1/services",
    { key: "tcp://10.0.0.9:80", settings: { sheduler: "rr" } },
    400,
    /settings: found the unknown key "sheduler", accepted is an object with the keys scheduler, /,
  ],
  [
    "a wrong value deep inside",
    "POST",
    "/v1/services",
    { key: "tcp://10.0.0.9:80", realservers: [{ address: "10.0.0.2", port: 80, weight: -1 }] },
    400,
    /realservers\[0\]\.weight: found -1, accepted is a whole number from 0 to 2147483647/,
  ],
  ["a polluting key", "PUT", WEB_PATH, '{"__proto__":{"scheduler":"rr"}}', 400, /unknown key "__proto__"/],
  ["one-packet scheduling of TCP", "PUT", WEB_PATH, { onePacket: true }, 400, /onePacket: found true/],
  [
    "an IPv6 prefix on an IPv4 service",
    "PUT",
    WEB_PATH,
    { persistence: { timeoutSec: 300, netmask: 64 } },
    400,
    /persistence\.netmask: found 64, accepted is a dotted IPv4 netmask/,
  ],
  ["a persistence of zero", "PUT", WEB_PATH, { persistence: { timeoutSec: 0 } }, 400, /from 1 to 2678400/],
  [
    "flags that do not exist",
    "PUT",
    WEB_PATH,
    { schedulerFlags: 1 },
    400,
    /schedulerFlags: found 1, accepted is a sum of/,
  ],
  [
    "crossed thresholds",
    "POST",
    `${WEB_PATH}/realservers`,
    { address: "10.0.0.2", port: 80, lowerThreshold: 1 },
    400,
    /upperThreshold/,
  ],
  [
    "an address with brackets",
    "POST",
    `${WEB_PATH}/realservers`,
    { address: "[::1]", port: 80 },
    400,
    /address: found "\[::1\]"/,
  ],
  [
    "a tunnel without the forwarding method",
    "POST",
    `${WEB_PATH}/realservers`,
    { address: "10.0.0.2", port: 80, tunnel: {} },
    400,
    /tunnel: found an object, accepted is nothing with forwarding route/,
  ],
  [
    "a gue tunnel without a port",
    "PUT",
    `${WEB_PATH}/realservers/10.0.0.2:80`,
    { forwarding: "tunnel", tunnel: { type: "gue" } },
    400,
    /tunnel\.port: found nothing, accepted is a port with type gue/,
  ],
  [
    "a broken realserver in the path",
    "DELETE",
    `${WEB_PATH}/realservers/10.0.0.2`,
    undefined,
    400,
    /realserver: found "10.0.0.2"/,
  ],
  ["a broken service in the path", "GET", "/v1/services/web", undefined, 400, /service: found "web"/],
  ["broken percent-encoding", "GET", "/v1/services/%E0%A4", undefined, 400, /percent-encoding/],
  ["a query", "GET", "/v1/status?x=1", undefined, 400, /this route takes no query/],
  [
    "a body where none is taken",
    "POST",
    "/v1/zero",
    { all: true },
    400,
    /found the unknown key "all", accepted is no body/,
  ],
  ["a negative time-out", "PUT", "/v1/timeouts", { tcpSec: -1 }, 400, /tcpSec: found -1/],
  ["a path that does not exist", "GET", "/v2/status", undefined, 404, /no such path: \/v2\/status/],
  ["an empty path", "GET", "/", undefined, 404, /no such path/],
];
for (const [what, method, target, body, status, text] of REFUSED) {
  test(`${what} is refused with ${status} and changes nothing`, async (t) => {
    const { path, operations } = await startControl(t);
    await operations.addService(service());
    const before = await operations.status();
    const answer = await ask(path, method, target, body);
    assert.equal(answer.status, status);
    assert.match((answer.body as { error: UvsError }).error.message, text);
    assert.deepEqual(await operations.status(), before);
  });
}

test("settings and realservers that are left out take the defaults of ipvsadm", async (t) => {
  const { path, operations } = await startControl(t);
  const posted = await ask(path, "POST", "/v1/services", {
    key: "tcp://10.0.0.1:80",
    settings: { persistence: { timeoutSec: 60 } },
    realservers: [{ address: "10.0.0.2", port: 80 }],
  });
  assert.deepEqual(posted, { status: 201, allow: undefined, body: undefined });
  const [added] = await operations.services();
  assert.deepEqual(added.settings, {
    ...DEFAULT_SETTINGS,
    persistence: { timeoutSec: 60, netmask: "255.255.255.255" },
  });
  const { weight, forwarding } = added.realservers[0];
  assert.deepEqual({ weight, forwarding }, { weight: 1, forwarding: "route" });
  assert.equal((await ask(path, "PUT", WEB_PATH, {})).status, 204);
  assert.deepEqual((await operations.services())[0].settings, DEFAULT_SETTINGS);
});

test("a method that a path does not have is answered 405 with those it has", async (t) => {
  const { path } = await startControl(t);
  const answer = await ask(path, "PATCH", WEB_PATH, {});
  assert.equal(answer.status, 405);
  assert.equal(answer.allow, "GET, PUT, DELETE");
});
