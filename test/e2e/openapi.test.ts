/** The OpenAPI document against what servers really answer. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openApiDocument } from "../../src/control/openapi.js";
import { ROUTES } from "../../src/control/routes.js";
import { DEFAULT_SETTINGS } from "../../src/core/model.js";
import { ask, realserver, serveControl, service, WEB, WEB_PATH } from "../helpers/control-fixture.js";
import { haStatus } from "../helpers/ha-status.js";
import { IpvsKernelTwin } from "../helpers/ipvs-kernel-twin.js";
import { liveConnection } from "../helpers/live-connection.js";
import { checkAnswer, OPENAPI } from "../helpers/openapi.js";

const SERVER_PATH = `${WEB_PATH}/realservers/10.0.0.2%3A80`;
const SERVER = { address: "10.0.0.2", port: 80 };

/** A director in which everything is there that an answer can show. */
async function prepared(): Promise<IpvsKernelTwin> {
  const operations = new IpvsKernelTwin();
  const settings = {
    ...DEFAULT_SETTINGS,
    persistence: { timeoutSec: 300, netmask: "255.255.255.0" },
    persistenceEngine: "sip",
    sorry: { address: "127.0.0.1", port: 8080 },
  };
  const tunnel = { type: "gue", port: 6080, checksum: "csum" } as const;
  await operations.addService(
    service({ settings, realservers: [{ ...realserver("10.0.0.2"), forwarding: "tunnel", tunnel }] }),
  );
  await operations.addService({ id: { fwmark: 8, family: 6 }, settings: DEFAULT_SETTINGS, realservers: [] });
  await operations.addRealserver(WEB, realserver("10.0.0.9"));
  operations.pretend(WEB, { address: "10.0.0.9", port: 80 }, { active: 2 });
  await operations.deleteRealserver(WEB, { address: "10.0.0.9", port: 80 });
  await operations.drain(WEB, SERVER, 60_000);
  operations.live = [
    liveConnection(),
    liveConnection({ realserver: undefined, service: { fwmark: 8, family: 6 } }),
  ];
  operations.connectionTable = [
    {
      protocol: "tcp",
      expiresSec: 12.5,
      state: "ESTABLISHED",
      client: SERVER,
      virtual: SERVER,
      realserver: SERVER,
    },
    {
      protocol: "ip",
      expiresSec: 50,
      state: "NONE",
      client: SERVER,
      virtual: SERVER,
      realserver: SERVER,
      engine: { name: "sip", data: "a" },
    },
  ];
  operations.templateTable = [
    {
      service: WEB,
      client: "192.0.2.0",
      realserver: SERVER,
      state: "ASSURED",
      valid: true,
      timeoutSec: 300,
      expiresSec: 287.25,
      connections: 1,
    },
  ];
  operations.ha = haStatus();
  operations.statusOverrides = {
    configFile: "/etc/uvs/uvs.yaml",
    forwarders: [
      {
        generation: 1,
        pid: 1,
        dataplane: "native",
        threads: 2,
        state: "serving",
        startedAt: "2026-01-01T00:00:00.000Z",
        connectionsPerThread: [1, 2],
        connectionLimit: 10,
        flowsPerThread: [0],
        flowLimit: 10,
        events: { accepted: 3 },
      },
    ],
  };
  return operations;
}

const DAEMON = { role: "master", interface: "eth0" };

/** A request for each route that is answered with success. */
const REQUESTS: Readonly<Record<string, readonly [target: string, body?: unknown]>> = {
  "GET /v1/status": ["/v1/status"],
  "GET /v1/health": ["/v1/health"],
  "GET /v1/ha": ["/v1/ha"],
  "GET /metrics": ["/metrics"],
  "POST /v1/ha/standby": ["/v1/ha/standby", { instance: "VI_51" }],
  "POST /v1/ha/takeover": ["/v1/ha/takeover", { scope: "all" }],
  "POST /v1/ha/clear": ["/v1/ha/clear"],
  "GET /v1/doctor": ["/v1/doctor"],
  "GET /v1/services": ["/v1/services"],
  "GET /v1/listing": ["/v1/listing?format=thresholds"],
  "POST /v1/services": ["/v1/services", { key: "udp://10.0.0.1:53" }],
  "DELETE /v1/services": ["/v1/services"],
  "GET /v1/services/{key}": [WEB_PATH],
  "PUT /v1/services/{key}": [WEB_PATH, { scheduler: "rr" }],
  "DELETE /v1/services/{key}": [WEB_PATH],
  "POST /v1/services/{key}/zero": [`${WEB_PATH}/zero`],
  "POST /v1/services/{key}/realservers": [`${WEB_PATH}/realservers`, { address: "10.0.0.3", port: 80 }],
  "PUT /v1/services/{key}/realservers/{server}": [SERVER_PATH, { weight: 2 }],
  "DELETE /v1/services/{key}/realservers/{server}": [SERVER_PATH],
  "PUT /v1/services/{key}/realservers/{server}/drain": [`${SERVER_PATH}/drain`, { deadlineMs: 1000 }],
  "DELETE /v1/services/{key}/realservers/{server}/drain": [`${SERVER_PATH}/drain`],
  "POST /v1/zero": ["/v1/zero"],
  "GET /v1/timeouts": ["/v1/timeouts"],
  "PUT /v1/timeouts": ["/v1/timeouts", { tcpSec: 60 }],
  "POST /v1/reload": ["/v1/reload"],
  "GET /v1/sysctls": ["/v1/sysctls"],
  "PUT /v1/sysctls/{name}": ["/v1/sysctls/run_estimation", { value: 0 }],
  "GET /v1/config": ["/v1/config"],
  "POST /v1/batch": ["/v1/batch", { changes: [{ operation: "deleteService", key: "tcp://10.0.0.9:80" }] }],
  "GET /v1/connections": ["/v1/connections?client=192.0.2.1"],
  "POST /v1/connections/kill": ["/v1/connections/kill", { all: true }],
  "GET /v1/connection-table": ["/v1/connection-table"],
  "GET /v1/templates": ["/v1/templates?client=192.0.2.0"],
  "DELETE /v1/templates": ["/v1/templates"],
  "GET /v1/sync-daemons": ["/v1/sync-daemons"],
  "POST /v1/sync-daemons": ["/v1/sync-daemons", { role: "backup" }],
  "DELETE /v1/sync-daemons/{role}": ["/v1/sync-daemons/master"],
};

test("docs/openapi.json is up to date (if not: npm run build && node scripts/write-openapi.mjs)", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  assert.deepEqual(OPENAPI, JSON.parse(JSON.stringify(openApiDocument(version))));
});

test("every operation has a name of its own, and every reference leads somewhere", () => {
  const operations = Object.values(OPENAPI.paths).flatMap((path) => Object.values(path));
  const names = operations.map((operation) => (operation as unknown as { operationId: string }).operationId);
  assert.equal(new Set(names).size, ROUTES.length);
  for (const [, name] of JSON.stringify(OPENAPI).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(name in OPENAPI.components.schemas, name);
  }
});

for (const { method, path, success } of ROUTES) {
  test(`${method} ${path} answers what the document says`, async (t) => {
    const operations = await prepared();
    const { path: socket } = await serveControl(t, operations);
    if (path.includes("sync-daemons")) await ask(socket, "POST", "/v1/sync-daemons", DAEMON);
    const [target, body] = REQUESTS[`${method} ${path}`];
    const answer = await ask(socket, method, target, body);
    assert.equal(answer.status, success, JSON.stringify(answer.body));
    checkAnswer(method, path, answer.status, answer.body);
  });
}

for (const [method, path, target, body] of [
  ["GET", "/v1/services/{key}", "/v1/services/tcp%3A%2F%2F10.0.0.9%3A80"],
  ["PUT", "/v1/services/{key}", WEB_PATH, { scheduler: "best" }],
  ["POST", "/v1/services", "/v1/services", { key: "tcp://10.0.0.1:80" }],
  ["POST", "/v1/connections/kill", "/v1/connections/kill", {}],
  ["POST", "/v1/sync-daemons", "/v1/sync-daemons", { role: "master", interface: "eth7" }],
] as const) {
  test(`a refusal of ${method} ${target} is what the document says`, async (t) => {
    const { path: socket } = await serveControl(t, await prepared());
    const answer = await ask(socket, method, target, body);
    assert.ok(answer.status >= 400);
    checkAnswer(method, path, answer.status, answer.body);
  });
}
