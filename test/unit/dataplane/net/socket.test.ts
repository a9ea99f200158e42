import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { endedByReset, reset } from "../../../../src/dataplane/net/socket.js";
import { connectTo, hangingTarget, outcome, startConnect, startRealserver } from "../../../helpers/tcp.js";

/** Both ends of one connection. */
async function pair(t: TestContext): Promise<[near: Socket, far: Socket]> {
  const realserver = await startRealserver();
  t.after(realserver.close);
  const near = await connectTo(realserver);
  t.after(() => near.destroy());
  return [near, await realserver.next()];
}

test("reset is seen as a reset by the other side, with bytes still unsent", async (t) => {
  const [near, far] = await pair(t);
  far.pause();
  while (near.write(Buffer.alloc(1 << 20)));
  reset(near);
  await once(near, "close");
  assert.equal(await outcome(far), "reset");
});

test("reset of a socket whose shutdown is under way closes it with a reset", async (t) => {
  const [near, far] = await pair(t);
  near.end();
  assert.equal(near.writableFinished, false);
  reset(near);
  await once(near, "close");
  assert.equal(near.destroyed, true);
  // The FIN was first; what is sent after it meets the reset.
  await once(far.resume(), "end");
  far.write("anybody there?");
  assert.match(String(await once(far, "error").catch(String)), /EPIPE|ECONNRESET/);
});

test("reset of a socket that is being connected gives the attempt up", async (t) => {
  const hanging = await hangingTarget();
  t.after(hanging.close);
  const socket = startConnect(hanging);
  await new Promise(process.nextTick);
  assert.equal(socket.connecting, true);
  reset(socket);
  await once(socket, "close");
});

test("a reset that comes with the last bytes is told from an end", async (t) => {
  const [near, far] = await pair(t);
  near.pause();
  far.write("last words", () => far.resetAndDestroy());
  await once(far, "close");
  near.resume();
  const end = once(near, "end").then(() => (endedByReset(near) ? "reset" : "end"));
  const error = once(near, "close").then(() => (near.errored ? "reset" : "end"));
  assert.equal(await Promise.race([end, error]), "reset");
});

test("an end in order is not a reset", async (t) => {
  const [near, far] = await pair(t);
  far.end("last words");
  await once(near.resume(), "end");
  assert.equal(endedByReset(near), false);
});
