/** The programs of the load against servers of this process: real sockets, and logic that no machine's speed can change. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ask, startProgram } from "../../../bench/load/ask.js";
import type { OpenLoopResult } from "../../../bench/load/open-loop.js";
import { Processes, type Running } from "../../../bench/system/processes.js";
import { waitFor } from "../../helpers/wait-for.js";

const HOST = "127.0.33.1";
const REQUEST = "GET / HTTP/1.1\r\n\r\n";
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LONGEST_SECONDS = 30;

async function start(
  t: TestContext,
  program: string,
  job: object,
  serve: (socket: Socket) => void,
): Promise<Running> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
  }).listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const directory = mkdtempSync(join(tmpdir(), "uvs-load-"));
  const processes = new Processes(directory);
  t.after(async () => {
    await processes.stopAll();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return startProgram(processes, program, { entry: { host: HOST, port }, sources: 5, ...job });
}

const answering = (socket: Socket): void => void socket.on("data", () => socket.write(ANSWER));
const answeringOnce = (socket: Socket): void => void socket.on("data", () => socket.end(ANSWER));

test("the open loop sends every request that is due and gets its answer", async (t) => {
  const client = await start(t, "open-loop-client", { request: REQUEST, connections: 4 }, answering);
  const result = await ask<OpenLoopResult>(client, { perSecond: 500, seconds: 0.2 }, LONGEST_SECONDS);
  assert.equal(result.requests, 100);
  assert.ok(result.p50Ms <= result.p99Ms && result.p99Ms <= result.p999Ms);
});

test("latency counts from when a request was due, not from when a connection was free for it", async (t) => {
  // 40 requests are due within 200 ms, and are answered one after the other, 20 ms each: the last ones wait 600 ms.
  const slowly = (socket: Socket): void => {
    socket.on("data", () => setTimeout(() => socket.write(ANSWER), 20));
  };
  const client = await start(t, "open-loop-client", { request: REQUEST, connections: 1 }, slowly);
  const result = await ask<OpenLoopResult>(client, { perSecond: 200, seconds: 0.2 }, LONGEST_SECONDS);
  assert.ok(result.p99Ms > 300, `p99 ${result.p99Ms} ms`);
  assert.ok(result.sentLateMs > 300, `sent ${result.sentLateMs} ms late`);
});

test("an open loop whose connection is closed says so", async (t) => {
  const client = await start(t, "open-loop-client", { request: REQUEST, connections: 1 }, answeringOnce);
  await assert.rejects(ask(client, { perSecond: 100, seconds: 0.1 }, LONGEST_SECONDS), /closed|errno/);
});

test("a storm makes every connection, in turn from all of its addresses", async (t) => {
  const clients = new Map<string, number>();
  const client = await start(t, "storm-client", { request: REQUEST, atOnce: 20 }, (socket) => {
    const from = String(socket.remoteAddress);
    clients.set(from, (clients.get(from) ?? 0) + 1);
    answeringOnce(socket);
  });
  await ask(client, 100, LONGEST_SECONDS);
  assert.deepEqual(
    [...clients].sort(),
    [1, 2, 3, 4, 5].map((i) => [`127.0.32.${i}`, 20]),
  );
});

test("a storm fails on a connection that ends without its whole answer", async (t) => {
  let count = 0;
  const client = await start(t, "storm-client", { request: REQUEST, atOnce: 1 }, (socket) => {
    if (++count < 5) answeringOnce(socket);
    else socket.on("data", () => socket.end(ANSWER.slice(0, -1)));
  });
  const message = `a connection ended after ${ANSWER.length - 1} of ${ANSWER.length} bytes`;
  await assert.rejects(ask(client, 10, LONGEST_SECONDS), { message });
});

test("silent clients connect and send nothing", async (t) => {
  let [connected, received] = [0, 0];
  const client = await start(t, "hold-client", { request: "" }, (socket) => {
    connected++;
    socket.on("data", ({ length }) => {
      received += length;
    });
  });
  assert.equal(await ask(client, { open: 10 }, LONGEST_SECONDS), 10);
  assert.equal(await ask(client, { open: 10 }, LONGEST_SECONDS), 20);
  await waitFor("the server has accepted them", () => connected === 20);
  assert.equal(received, 0);
});

test("slow readers take what they are told of an answer, until it is used up", async (t) => {
  const client = await start(t, "hold-client", { request: REQUEST }, answering);
  await ask(client, { open: 3 }, LONGEST_SECONDS);
  let reads = 0;
  while (reads < (3 * ANSWER.length) / 2)
    reads += await ask<number>(client, { readBytes: 2 }, LONGEST_SECONDS);
  assert.equal(await ask(client, { readBytes: 2 }, LONGEST_SECONDS), 0);
});
