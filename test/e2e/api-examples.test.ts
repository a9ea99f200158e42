import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS } from "../../src/core/model.js";
import { startControl, WEB } from "../helpers/control-fixture.js";
import type { InMemoryOperations } from "../helpers/in-memory-operations.js";
import { liveConnection } from "../helpers/live-connection.js";

const DEFAULT_DAEMON = {
  interface: "eth0",
  syncId: 0,
  maxLength: 1472,
  group: "224.0.0.81",
  port: 8848,
  ttl: 1,
};

const document = readFileSync(new URL("../../../docs/api.md", import.meta.url), "utf8");
const examples = document
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    route: /^`(.*)`$/m.exec(section)?.[1] ?? "",
    command: /^```sh\n(.*?)^```$/ms.exec(section)?.[1] ?? "",
  }));

/** All that a change can show in. */
async function everything(operations: InMemoryOperations): Promise<unknown[]> {
  const { live, templateTable } = operations;
  return [
    await operations.status(),
    live,
    templateTable,
    await operations.sysctls(),
    await operations.syncDaemons(),
    operations.haCommands,
  ];
}

/** What the examples speak of. */
async function prepare(operations: InMemoryOperations): Promise<void> {
  await operations.addService({
    id: WEB,
    settings: DEFAULT_SETTINGS,
    realservers: ["10.0.0.2", "fd77::1"].map((address) => ({ ...DEFAULT_REALSERVER, address, port: 80 })),
  });
  await operations.addService({ id: { fwmark: 8, family: 4 }, settings: DEFAULT_SETTINGS, realservers: [] });
  await operations.drain(WEB, { address: "fd77::1", port: 80 });
  await operations.startSyncDaemon({ ...DEFAULT_DAEMON, role: "master" });
  operations.live = [liveConnection()];
  operations.templateTable = [
    {
      service: WEB,
      client: "192.0.2.7",
      realserver: { address: "10.0.0.2", port: 80 },
      state: "ASSURED",
      valid: true,
      timeoutSec: 300,
      expiresSec: 287.25,
      connections: 1,
    },
  ];
}

/** Runs a command of the document with another socket; resolves to what it prints. */
async function runExample(command: string, socket: string): Promise<string> {
  const script = command
    .replace("/run/uvs/uvsd.sock", socket)
    .replace("curl ", "curl --silent --show-error --fail-with-body --max-time 20 ");
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const [exit] = await once(child, "close");
  assert.equal(exit, 0, `${script}\n${out}`);
  return out;
}

test("curl is there to try the examples of docs/api.md", () => {
  execFileSync("curl", ["--version"]);
  assert.ok(examples.length >= 27, `${examples.length} examples`);
});

for (const { route, command } of examples) {
  test(`the example of ${route} in docs/api.md works as it stands`, async (t) => {
    const { path, operations } = await startControl(t);
    operations.nextReload = async () => ({ changes: [] });
    if (route !== "POST /v1/services") await prepare(operations);
    const before = await everything(operations);
    const out = await runExample(command, path);
    if (route === "GET /metrics") {
      assert.match(out, /^uvs_ha_configured \d$/m);
    } else if (route.startsWith("GET")) {
      assert.equal(typeof JSON.parse(out), "object");
    } else if (!route.endsWith("zero") && !route.endsWith("reload")) {
      assert.notDeepEqual(await everything(operations), before);
    }
  });
}
