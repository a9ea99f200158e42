import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { ControlClient } from "../../src/control/client.js";
import type { UvsError } from "../../src/core/errors.js";
import {
  ask,
  realserver,
  service,
  speakRaw,
  startControl,
  WEB,
  withCode,
} from "../helpers/control-fixture.js";
import { waitFor } from "../helpers/wait-for.js";

test("a body over the bound is refused with 413 and not kept", async (t) => {
  const { path } = await startControl(t);
  const answer = await ask(path, "POST", "/v1/services", " ".repeat(1024 * 1024 + 1));
  assert.equal(answer.status, 413);
  assert.match(
    (answer.body as { error: UvsError }).error.message,
    /found 1048577 bytes, accepted are at most 1048576/,
  );
});

test("a deeply nested body is refused like any other that does not fit", async (t) => {
  const { path } = await startControl(t);
  const deep = "[".repeat(400_000) + "]".repeat(400_000);
  assert.equal((await ask(path, "POST", "/v1/services", deep)).status, 400);
});

test("headers over the bound are refused with 431", async (t) => {
  const { path } = await startControl(t);
  const { closed } = await speakRaw(
    path,
    `GET /v1/status HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(20_000)}\r\n\r\n`,
  );
  assert.match(await closed, /^HTTP\/1\.1 431 .*"code":"INVALID"/s);
});

test("what is not HTTP is refused with 400 and hung up", async (t) => {
  const { path } = await startControl(t);
  const { closed } = await speakRaw(path, Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 10, 13, 10]));
  assert.match(await closed, /^HTTP\/1\.1 400 .*not an HTTP request/s);
});

test("a client that sends its headers slowly blocks nobody and is cut off with 408", async (t) => {
  const { path } = await startControl(t, { headersMs: 300, requestMs: 300 });
  const slow = await speakRaw(path, "GET /v1/status HTTP/1.1\r\nhost: x\r\n");
  assert.equal((await ask(path, "GET", "/v1/status")).status, 200);
  assert.equal(slow.socket.destroyed, false);
  assert.match(await slow.closed, /^HTTP\/1\.1 408 .*did not arrive in time/s);
});

test("a client that sends its body slowly blocks nobody, is cut off, and changes nothing", async (t) => {
  const { path, operations } = await startControl(t, { headersMs: 300, requestMs: 300 });
  const head = "DELETE /v1/services HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
  await operations.addService(service());
  const slow = await speakRaw(path, head);
  assert.equal((await ask(path, "GET", "/v1/status")).status, 200);
  await slow.closed;
  assert.equal((await operations.services()).length, 1);
});

test("a client that connects and says nothing is cut off", async (t) => {
  const { path } = await startControl(t, { headersMs: 300, requestMs: 300 });
  const { closed } = await speakRaw(path, "");
  assert.match(await closed, /^HTTP\/1\.1 408 /);
});

test("a client that does not read its answer is cut off and blocks nobody", async (t) => {
  const { path, operations } = await startControl(t, { answerMs: 300 });
  const megabytes = 8;
  operations.nextReload = async () => ({ changes: ["x".repeat(megabytes * 1024 * 1024)] });
  const socket = connect(path).pause();
  socket.on("error", () => undefined);
  let received = 0;
  socket.write("POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
  const control = new ControlClient(path);
  t.after(() => control.close());
  assert.deepEqual(await control.services(), []);
  // Bytes between requests mean nothing but keep the connection from being idle; they fail once the server hangs up.
  await waitFor("the server hangs up", () => {
    socket.write("\r\n");
    return socket.errored !== null;
  });
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  await waitFor("the socket is closed", () => socket.closed);
  assert.ok(received < megabytes * 1024 * 1024, `received ${received} bytes`);
});

test("100 clients at once are all answered, and no edit is lost", async (t) => {
  const { path, operations } = await startControl(t);
  await operations.addService(service());
  const clients = Array.from({ length: 100 }, () => new ControlClient(path));
  t.after(() => {
    for (const client of clients) client.close();
  });
  const answers = await Promise.all(
    clients.map(async (client, i) => {
      await client.addRealserver(WEB, realserver(`10.0.1.${i}`));
      return client.services(WEB);
    }),
  );
  assert.equal(answers.length, 100);
  assert.equal((await operations.services())[0].realservers.length, 100);
});

test("an operation that takes its time holds up no other", async (t) => {
  const { path, operations } = await startControl(t);
  let finish = (): void => undefined;
  operations.nextReload = () => new Promise((resolve) => (finish = () => resolve({ changes: [] })));
  const client = new ControlClient(path);
  t.after(() => client.close());
  const reload = client.reload();
  await client.status();
  await client.addService(service());
  finish();
  assert.deepEqual(await reload, { changes: [] });
});

test("who shares the loop hears when requests begin and end to be answered, not of each", async (t) => {
  const heard: boolean[] = [];
  const { path, operations } = await startControl(t, {}, (isAnswering) => heard.push(isAnswering));
  let finish = (): void => undefined;
  operations.nextReload = () => new Promise((resolve) => (finish = () => resolve({ changes: [] })));
  const client = new ControlClient(path);
  t.after(() => client.close());
  const reload = client.reload();
  await client.status();
  assert.deepEqual(heard, [true]);
  finish();
  await reload;
  await waitFor("the last answer has gone", async () => heard.length > 1);
  assert.deepEqual(heard, [true, false]);
});

test("a request whose client goes away is not being answered any longer", async (t) => {
  const heard: boolean[] = [];
  const { path, operations } = await startControl(t, {}, (isAnswering) => heard.push(isAnswering));
  operations.nextReload = () => new Promise(() => {});
  const { socket } = await speakRaw(
    path,
    "POST /v1/reload HTTP/1.1\r\nhost: uvsd\r\ncontent-length: 0\r\n\r\n",
  );
  await waitFor("the request is being answered", async () => heard.length > 0);
  socket.destroy();
  await waitFor("it is not any longer", async () => heard.length > 1);
  assert.deepEqual(heard, [true, false]);
});

test("a connection over the bound is closed at once, and there is room again when others end", async (t) => {
  const { path, logger } = await startControl(t, { connections: 2 });
  const first = await speakRaw(path, "");
  const second = await speakRaw(path, "");
  const client = new ControlClient(path);
  t.after(() => client.close());
  await assert.rejects(client.status(), withCode("UNAVAILABLE", /too many clients are connected/));
  assert.equal(logger.records.filter(({ level }) => level === "warn").length, 1);
  first.socket.destroy();
  second.socket.destroy();
  await waitFor(
    "there is room for a client",
    async () => (await client.status().catch(() => undefined)) !== undefined,
  );
});
