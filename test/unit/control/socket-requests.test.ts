import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSocketServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SocketRequests } from "../../../src/control/socket-requests.js";
import { temporaryDirectory } from "../../helpers/temporary-folder.js";

/** A director that closes a connection when it is asked a second time, as one does whose rest is over at that moment. */
async function startForgetful(t: TestContext, answers: boolean): Promise<string> {
  const asked = new WeakSet<Socket>();
  const server = createServer((request, response) => {
    if (asked.has(request.socket) || !answers) request.socket.destroy();
    else response.end('"served"');
    asked.add(request.socket);
  });
  const path = join(temporaryDirectory(t), "uvsd.sock");
  server.listen(path);
  await once(server, "listening");
  t.after(() => server.close());
  return path;
}

test("a kept connection that the director closes as it is asked again is replaced, and the question is answered", async (t) => {
  const requests = new SocketRequests(await startForgetful(t, true));
  t.after(() => requests.close());
  for (let i = 0; i < 3; i++) assert.equal(await requests.ask("GET", "/"), "served");
});

test("a new connection that is closed without an answer is an error, not tried for ever", async (t) => {
  const requests = new SocketRequests(await startForgetful(t, false));
  t.after(() => requests.close());
  await assert.rejects(requests.ask("GET", "/"), { code: "UNAVAILABLE" });
});

/** A server that writes these pieces one after the other to whoever asks, each when the one before has been taken. */
async function startPieces(t: TestContext, pieces: readonly string[]): Promise<string> {
  const server = createSocketServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", async () => {
      for (const piece of pieces) {
        await new Promise((written) => socket.write(piece, written));
        // The next turn of the loop: otherwise two pieces may arrive as one.
        await new Promise((turned) => setImmediate(turned));
      }
    });
  });
  const path = join(temporaryDirectory(t), "uvsd.sock");
  server.listen(path);
  await once(server, "listening");
  t.after(() => server.close());
  return path;
}

test("an answer is put together from whatever pieces it comes in", async (t) => {
  const text = JSON.stringify("zwölf Realserver");
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  const requests = new SocketRequests(await startPieces(t, [...answer]));
  t.after(() => requests.close());
  assert.equal(await requests.ask("GET", "/"), "zwölf Realserver");
});

test("questions that are asked at once each get their own answer", async (t) => {
  const server = createServer((request, response) => response.end(JSON.stringify(request.url)));
  const path = join(temporaryDirectory(t), "uvsd.sock");
  server.listen(path);
  await once(server, "listening");
  t.after(() => server.close());
  const requests = new SocketRequests(path);
  t.after(() => requests.close());
  const urls = Array.from({ length: 20 }, (_, i) => `/${i}`);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await Promise.all(urls.map((url) => requests.ask("GET", url))), urls);
  }
});

for (const [what, answer, reason] of [
  ["without a length", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", /does not speak/],
  ["of another protocol", "220 mail.example ESMTP\r\n\r\n", /does not speak/],
  ["without an end of its head", "x".repeat(20_000), /does not speak/],
  ["that is too long", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", /more than \d+ bytes/],
] as const) {
  test(`an answer ${what} is refused`, async (t) => {
    const requests = new SocketRequests(await startPieces(t, [answer]));
    t.after(() => requests.close());
    await assert.rejects(requests.ask("GET", "/"), { code: "UNAVAILABLE", message: reason });
  });
}
