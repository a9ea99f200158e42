import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ControlClient } from "../../src/control/client.js";
import { UvsError } from "../../src/core/errors.js";
import { DEFAULT_SETTINGS, type ServiceId } from "../../src/core/model.js";
import {
  ask,
  leaveStaleSocket,
  newServer,
  realserver,
  service,
  startControl,
  WEB,
  withCode,
} from "../helpers/control-fixture.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";

test("every operation works through client and socket as it does on the director itself", async (t) => {
  const { path, operations } = await startControl(t);
  const client = new ControlClient(path);
  t.after(() => client.close());
  const mark: ServiceId = { fwmark: 8, family: 6 };
  const settings = {
    ...DEFAULT_SETTINGS,
    scheduler: "sh",
    schedulerFlags: 0x18,
    persistence: { timeoutSec: 360, netmask: 64 },
    persistenceEngine: "sip",
    sorry: { address: "fd77::9", port: 81 },
    timeouts: { connectMs: 200 },
    limits: { connections: 5, perSource: 2 },
    redispatch: 0,
  };
  await client.addService(service({ realservers: [realserver("10.0.0.2"), realserver("10.0.0.3")] }));
  await client.addService(service({ id: mark, settings }));
  const tunnel = { type: "gue", port: 6080, checksum: "csum" } as const;
  await client.addRealserver(mark, {
    ...realserver("fd77::1", 0),
    forwarding: "tunnel",
    upperThreshold: 9,
    tunnel,
  });
  await client.editService(WEB, { ...DEFAULT_SETTINGS, scheduler: "wrr" });
  await client.editRealserver(WEB, { ...realserver("10.0.0.2"), weight: 0 });
  await client.deleteRealserver(WEB, { address: "10.0.0.3", port: 80 });
  await client.addRealserver(WEB, realserver("10.0.0.4"));
  await client.zero(WEB);
  assert.deepEqual(operations.zeroed, ["tcp://10.0.0.1:80"]);
  await client.zero();
  assert.equal(operations.zeroed.length, 3);

  const [web, marked] = await client.services();
  assert.equal(web.settings.scheduler, "wrr");
  assert.deepEqual(
    web.realservers.map(({ address, weight }) => [address, weight]),
    [
      ["10.0.0.4", 1],
      ["10.0.0.2", 0],
    ],
  );
  assert.deepEqual(marked.settings, settings);
  assert.deepEqual(marked.realservers[0].tunnel, tunnel);
  assert.deepEqual(await client.services(mark), [marked]);
  assert.deepEqual(await client.status(), await operations.status());

  await client.setTimeouts({ tcpSec: 60, tcpFinSec: 0, udpSec: 0 });
  assert.deepEqual(await client.timeouts(), { tcpSec: 60, tcpFinSec: 120, udpSec: 300 });
  operations.nextReload = async () => ({ changes: ["tcp://10.0.0.1:80: removed"] });
  assert.deepEqual(await client.reload(), { changes: ["tcp://10.0.0.1:80: removed"] });
  await client.deleteService(mark);
  assert.equal((await client.services()).length, 1);
  await client.clear();
  assert.deepEqual(await client.services(), []);
});

test("errors of the director arrive at the client with code, message, details and side", async (t) => {
  const { path, operations } = await startControl(t);
  const client = new ControlClient(path);
  t.after(() => client.close());
  await assert.rejects(client.services(WEB), withCode("NO_SERVICE"));
  await assert.rejects(client.editService(WEB, DEFAULT_SETTINGS), withCode("NO_SERVICE"));
  await assert.rejects(client.deleteService(WEB), withCode("NO_SERVICE"));
  await assert.rejects(client.zero(WEB), withCode("NO_SERVICE"));
  await assert.rejects(client.addRealserver(WEB, realserver("10.0.0.2")), withCode("NO_SERVICE"));
  await client.addService(service());
  await assert.rejects(client.addService(service()), withCode("EXISTS"));
  await assert.rejects(
    client.deleteRealserver(WEB, { address: "10.0.0.2", port: 80 }),
    withCode("NO_SERVER"),
  );
  await assert.rejects(client.editRealserver(WEB, realserver("10.0.0.2")), withCode("NO_SERVER"));
  const unknown = { ...DEFAULT_SETTINGS, scheduler: "abc" };
  await assert.rejects(client.editService(WEB, unknown), withCode("NO_SCHEDULER", /"abc", known are rr/));
  const crossed = { ...realserver("10.0.0.2"), lowerThreshold: 2, upperThreshold: 1 };
  await assert.rejects(client.addRealserver(WEB, crossed), withCode("RANGE"));
  const original = new UvsError("CONFIG", "a.yaml:3:1: no", {
    side: "config",
    retryable: true,
    details: { line: 3 },
  });
  operations.nextReload = () => Promise.reject(original);
  await assert.rejects(client.reload(), (error) => {
    assert.ok(error instanceof UvsError);
    assert.deepEqual(error.toPlain(), original.toPlain());
    return true;
  });
});

test("an error that nobody foresaw is answered as INTERNAL and logged", async (t) => {
  const { path, operations, logger } = await startControl(t);
  operations.nextReload = () => Promise.reject(new TypeError("oops"));
  const answer = await ask(path, "POST", "/v1/reload");
  assert.equal(answer.status, 500);
  assert.equal((answer.body as { error: UvsError }).error.code, "INTERNAL");
  assert.deepEqual(
    logger.records.filter(({ level }) => level === "error").map(({ message }) => message),
    ["a control request failed"],
  );
});

test("until the director serves, requests are answered UNAVAILABLE and retryable", async (t) => {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  const control = newServer(path);
  await control.listen();
  t.after(() => control.stop(0));
  const answer = await ask(path, "GET", "/v1/status");
  assert.equal(answer.status, 503);
  assert.equal((answer.body as { error: UvsError }).error.retryable, true);
});

test("without a director the client says which socket it tried and how to name another", async (t) => {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  await assert.rejects(new ControlClient(path).status(), (error) => {
    withCode("UNAVAILABLE")(error);
    const message = `no director answers on ${path} (ENOENT): is uvsd running? another socket is named by --socket or UVS_SOCKET`;
    assert.equal((error as UvsError).message, message);
    return true;
  });
  await leaveStaleSocket(path);
  await assert.rejects(
    new ControlClient(path).status(),
    withCode("UNAVAILABLE", /no director answers .*ECONNREFUSED/),
  );
});

test("a client is not misled by something else that listens on the socket", async (t) => {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  const stranger = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello"));
  });
  stranger.listen(path);
  await once(stranger, "listening");
  t.after(() => stranger.close());
  await assert.rejects(
    new ControlClient(path).status(),
    withCode("UNAVAILABLE", /does not speak the control protocol/),
  );
});

test("a user without the right to the socket is told about its group", {
  skip: process.getuid?.() !== 0 && "needs root",
}, async (t) => {
  const { path } = await startControl(t);
  // The directory of the test is made for its owner only; the right to pass it is what the user does have.
  await chmod(join(path, ".."), 0o755);
  const client = join(import.meta.dirname, "../../src/control/client.js");
  const script = `const { ControlClient } = await import(${JSON.stringify(client)});
    process.setgroups([]), process.setgid(65534), process.setuid(65534);
    await new ControlClient(${JSON.stringify(path)}).status().catch((error) => console.log(error.code, error.message));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.match(
    await outputOf(child),
    /^PERMISSION the control socket .* \(EACCES\): run as root or join the socket's group/,
  );
});

async function outputOf(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  await once(child, "close");
  return text;
}
