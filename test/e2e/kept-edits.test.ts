/** Live edits across restarts of a real director: `state` and `persist-edits`. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type Realserver,
  type ServiceId,
} from "../../src/core/model.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const UVS = fileURLToPath(new URL("../../src/bin/uvs.js", import.meta.url));
const run = promisify(execFile);

/** Prints what `uvs` prints; fails where it does. */
async function uvs(uvsd: Uvsd, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [UVS, "--socket", uvsd.socket, ...args], {
    timeout: 30_000,
  });
  return stdout;
}

function realserver(address: string, weight = 1): Realserver {
  return { ...DEFAULT_REALSERVER, forwarding: "masq", address, port: 9, weight };
}

async function weights(uvsd: Uvsd, id: ServiceId): Promise<Record<string, number>> {
  const [{ realservers }] = await uvsd.client.services(id);
  return Object.fromEntries(realservers.map(({ address, weight }) => [address, weight]).reverse());
}

async function keeping(
  t: TestContext,
): Promise<{ state: string; vip: string; web: ServiceId; config: string }> {
  const state = join(temporaryDirectory(t), "state");
  const vip = loopbackAddress();
  const web: ServiceId = { protocol: "tcp", address: vip, port: 8080 };
  const config = `state: ${state}
persist-edits: true
services: [ { listen: "tcp://${vip}:8080", realservers: [ "127.0.0.1:9" ] } ]
`;
  return { state, vip, web, config };
}

test("edits survive a restart, and what the file says new goes on top of them", async (t) => {
  const { vip, web, config } = await keeping(t);
  const other: ServiceId = { protocol: "tcp", address: vip, port: 8081 };
  const first = await Uvsd.start(t, { config });
  await first.client.addRealserver(web, realserver("127.0.0.2", 7));
  await first.client.editRealserver(web, realserver("127.0.0.1", 3));
  await first.client.addService({ id: other, settings: DEFAULT_SETTINGS, realservers: [] });
  await first.client.setTimeouts({ tcpSec: 77, tcpFinSec: 0, udpSec: 0 });
  await first.client.setSysctl("expire_nodest_conn", 1);
  const before = await first.client.runningConfig();
  assert.equal(await first.stop(), 0);

  const second = await Uvsd.start(t, { config });
  const after = await second.client.runningConfig();
  assert.deepEqual({ ...after, control: before.control }, before);
  assert.deepEqual(await weights(second, web), { "127.0.0.1": 3, "127.0.0.2": 7 });
  assert.equal(await second.stop(), 0);

  const changed = config.replace('"127.0.0.1:9"', '"127.0.0.1:9", "127.0.0.3:9"');
  const third = await Uvsd.start(t, { config: changed });
  assert.deepEqual(await weights(third, web), { "127.0.0.1": 3, "127.0.0.2": 7, "127.0.0.3": 1 });
  assert.equal((await third.client.services()).length, 2);
});

test("a director that is killed has kept what was edited a moment before", async (t) => {
  const { state, web, config } = await keeping(t);
  const first = await Uvsd.start(t, { config });
  await first.client.editRealserver(web, realserver("127.0.0.1", 5));
  // The write is over when the file tells of the edit.
  await waitFor("the edit is written", async () =>
    (await readFile(join(state, "edits.json"), "utf8").catch(() => "")).includes('"weight":5'),
  );
  first.process.kill("SIGKILL");
  await first.exited();
  const second = await Uvsd.start(t, { config });
  assert.deepEqual(await weights(second, web), { "127.0.0.1": 5 });
});

test("a damaged file is set aside with a message, and the director starts with its configuration", async (t) => {
  const { state, web, config } = await keeping(t);
  const first = await Uvsd.start(t, { config });
  await first.client.editRealserver(web, realserver("127.0.0.1", 5));
  await first.stop();
  await truncate(join(state, "edits.json"), 100);
  const second = await Uvsd.start(t, { config });
  assert.deepEqual(await weights(second, web), { "127.0.0.1": 1 });
  assert.match(second.output, /kept edits cannot be used: set aside/);
  assert.ok((await readdir(state)).some((name) => name.startsWith("edits.json.corrupt-")));
});

test("without persist-edits a restart forgets edits and writes no file of them", async (t) => {
  const { state, web, config } = await keeping(t);
  const forgetful = config.replace("persist-edits: true\n", "");
  const first = await Uvsd.start(t, { config: forgetful });
  await first.client.editRealserver(web, realserver("127.0.0.1", 5));
  await first.stop();
  const written = await readdir(state);
  assert.deepEqual(
    written.filter((name) => name.startsWith("edits.json")),
    [],
  );
});

test("what config dump prints is a file that gives the same state", async (t) => {
  const vip = loopbackAddress();
  const uvsd = await Uvsd.start(t);
  await uvsd.client.addService({
    id: { protocol: "tcp", address: vip, port: 8080 },
    settings: {
      ...DEFAULT_SETTINGS,
      scheduler: "sh",
      schedulerFlags: 0x18,
      sorry: { address: "127.0.0.1", port: 9 },
    },
    realservers: [
      { ...DEFAULT_REALSERVER, address: "127.0.0.9", port: 9, forwarding: "tunnel", upperThreshold: 5 },
    ],
  });
  await uvsd.client.setSysctl("run_estimation", 0);
  const text = await uvs(uvsd, "config", "dump");
  const file = join(temporaryDirectory(t), "dump.yaml");
  await writeFile(file, text);
  assert.equal(await uvs(uvsd, "diff", file), "no differences\n");
  const state = await uvsd.client.runningConfig();
  await uvsd.stop();
  const again = await Uvsd.start(t, { config: text });
  assert.deepEqual({ ...(await again.client.runningConfig()), control: state.control }, state);
});

test("sysctls and time-outs of the file are in effect, and a reload changes them", async (t) => {
  const uvsd = await Uvsd.start(t, { config: "sysctls: { expire_nodest_conn: 1 }\n" });
  assert.equal((await uvsd.client.sysctls()).expire_nodest_conn, 1);
  await uvsd.rewrite("sysctls: { expire_nodest_conn: 0, run_estimation: 0 }\n");
  assert.equal(await uvs(uvsd, "reload"), "sysctls.expire_nodest_conn: 0\nsysctls.run_estimation: 0\n");
  assert.deepEqual((await uvsd.client.sysctls()).run_estimation, 0);
});

test("with forwarding: strict live edits by direct routing are refused", async (t) => {
  const vip = loopbackAddress();
  const web: ServiceId = { protocol: "tcp", address: vip, port: 8080 };
  const uvsd = await Uvsd.start(t, {
    config: `forwarding: strict\nservices: [ { listen: "tcp://${vip}:8080" } ]\n`,
  });
  await assert.rejects(
    uvsd.client.addRealserver(web, { ...realserver("127.0.0.1"), forwarding: "route" }),
    /forwarding: found route, accepted is masq/,
  );
  await uvsd.client.addRealserver(web, realserver("127.0.0.1"));
});
