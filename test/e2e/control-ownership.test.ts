import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, stat, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ControlClient } from "../../src/control/client.js";
import { ControlServer } from "../../src/control/server.js";
import { ask, leaveStaleSocket, newServer, startControl, withCode } from "../helpers/control-fixture.js";
import { RecordingLogger } from "../helpers/recording-logger.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { waitFor } from "../helpers/wait-for.js";

test("the socket has mode 0660 and its missing directory is made with 0755", async (t) => {
  const directory = join(temporaryDirectory(t), "run", "uvs");
  const control = newServer(join(directory, "uvsd.sock"));
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal((await stat(join(directory, "uvsd.sock"))).mode & 0o777, 0o660);
  assert.equal((await stat(directory)).mode & 0o777, 0o755);
  assert.deepEqual(await readdir(directory), ["uvsd.sock"]);
});

test("the mode of the socket can be chosen", async (t) => {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  const control = new ControlServer({ path, mode: 0o600, logger: new RecordingLogger() });
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("a second director on the same socket is refused and the first goes on", async (t) => {
  const { path } = await startControl(t);
  await assert.rejects(newServer(path).listen(), withCode("ALREADY_RUNNING", /another director serves/));
  assert.equal((await ask(path, "GET", "/v1/status")).status, 200);
});

test("of directors that start at the same moment exactly one gets the socket", async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, "uvsd.sock");
  await leaveStaleSocket(path);
  const servers = Array.from({ length: 8 }, () => newServer(path));
  t.after(() => Promise.all(servers.map((control) => control.stop(0))));
  const results = await Promise.allSettled(servers.map((control) => control.listen()));
  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 7);
  for (const { reason } of refused) withCode("ALREADY_RUNNING")(reason);
  assert.deepEqual(await readdir(directory), ["uvsd.sock"]);
  assert.equal((await ask(path, "GET", "/v1/status")).status, 503);
});

test("a director that is about to take the socket is given way to until it gives up", async (t) => {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  const rival = createServer().listen(`${path}.0a1b2c`);
  await once(rival, "listening");
  let probes = 0;
  rival.on("connection", (socket) => {
    probes++;
    socket.destroy();
    rival.close();
  });
  const control = newServer(path);
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal(probes, 1);
});

test("the socket of a director that was killed is replaced, and its unfinished claims are removed", async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, "uvsd.sock");
  await leaveStaleSocket(path);
  await leaveStaleSocket(`${path}.0a1b2c`);
  await writeFile(`${path}.backup`, "not a claim");
  const control = newServer(path);
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal((await ask(path, "GET", "/v1/status")).status, 503);
  assert.deepEqual((await readdir(directory)).sort(), ["uvsd.sock", "uvsd.sock.backup"]);
});

test("a file that is not a socket is never replaced", async (t) => {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  await writeFile(path, "precious");
  await assert.rejects(newServer(path).listen(), withCode("INVALID", /is not a socket/));
  assert.equal((await stat(path)).size, 8);
});

test("a path that is too long for a socket is refused with both lengths, by server and client", async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, "x".repeat(101 - directory.length - 1));
  await assert.rejects(
    newServer(path).listen(),
    withCode("INVALID", /is 101 bytes long, accepted are at most 100/),
  );
  const longest = newServer(path.slice(0, 100));
  await longest.listen();
  t.after(() => longest.stop(0));
  assert.throws(() => new ControlClient("/".repeat(108)), withCode("INVALID", /is 108 bytes long/));
});

test("a path under something that is no directory is refused with call and errno", async (t) => {
  const file = join(temporaryDirectory(t), "file");
  await writeFile(file, "");
  await assert.rejects(newServer(join(file, "a.sock")).listen(), withCode("SYSCALL", /\((mkdir|lstat): E/));
});

test("stopping removes the socket file and lets a request that is being answered finish", async (t) => {
  const { path, server: control, operations } = await startControl(t);
  let started = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => (started = resolve));
  let finish = (): void => undefined;
  operations.nextReload = () => {
    started();
    return new Promise((resolve) => (finish = () => resolve({ changes: ["done"] })));
  };
  const client = new ControlClient(path);
  t.after(() => client.close());
  const reload = client.reload();
  await isAsked;
  const stopped = control.stop(60_000);
  await waitFor("the socket file is gone", () => !existsSync(path));
  finish();
  assert.deepEqual(await reload, { changes: ["done"] });
  await stopped;
});

test("stopping does not wait longer than its grace for an operation that hangs", async (t) => {
  const { path, server: control, operations } = await startControl(t);
  let started = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => (started = resolve));
  operations.nextReload = () => {
    started();
    return new Promise(() => undefined);
  };
  const client = new ControlClient(path);
  t.after(() => client.close());
  const refused = assert.rejects(client.reload(), withCode("UNAVAILABLE", /closed the connection/));
  await isAsked;
  await control.stop(10);
  await refused;
});

test("stopping leaves a socket alone that another director has put in its place", async (t) => {
  const { path, server: control } = await startControl(t);
  await unlink(path);
  const other = newServer(path);
  await other.listen();
  t.after(() => other.stop(0));
  await control.stop(0);
  assert.equal((await ask(path, "GET", "/v1/status")).status, 503);
});
