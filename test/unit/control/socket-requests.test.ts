import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
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
