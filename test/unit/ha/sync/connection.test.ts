/** Dialer and listener over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { SyncDialer } from "../../../../src/ha/sync/dialer.js";
import { FrameReader, frame } from "../../../../src/ha/sync/frames.js";
import { Handshake } from "../../../../src/ha/sync/handshake.js";
import { SyncListener } from "../../../../src/ha/sync/listener.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { RecordingObserver, SYNC_KEY, syncParts } from "../../../helpers/sync-pair.js";
import { loopbackAddress } from "../../../helpers/tcp.js";
import { waitFor } from "../../../helpers/wait-for.js";

const PORT = 28694;

function listen(t: TestContext, address = loopbackAddress(), timers = syncParts("b").timers) {
  const parts = syncParts("b", SYNC_KEY, timers);
  const observer = new RecordingObserver();
  const logger = new RecordingLogger();
  const listener = new SyncListener({ address, port: PORT }, parts, observer, logger);
  t.after(() => listener.stop());
  listener.start();
  return { address, parts, observer, listener, logger };
}

function dial(t: TestContext, address: string, parts = syncParts("a")) {
  const observer = new RecordingObserver();
  const dialer = new SyncDialer({ address, port: PORT }, parts, observer);
  t.after(() => dialer.stop());
  dialer.start();
  return { parts, observer, dialer };
}

/** A peer whose sockets the test holds. */
async function puppet(t: TestContext, address: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => void sockets.push(socket.on("error", () => {})));
  server.listen(PORT, address);
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

/** Takes the acceptor's part on a socket, and nothing after that. */
async function accept(socket: Socket): Promise<void> {
  const handshake = new Handshake("acceptor", "b", SYNC_KEY);
  const reader = new FrameReader(1000);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    reader.push(chunk as Buffer);
    for (let body = reader.next(); body !== undefined; body = reader.next()) {
      const { reply, done } = handshake.receive(body);
      if (reply !== undefined) socket.write(frame(...reply));
      if (done !== undefined) return;
    }
  }
}

describe("a link between directors", () => {
  test("opens on both sides by name and carries messages both ways", async (t) => {
    const b = listen(t);
    const a = dial(t, b.address);
    await waitFor("both are open", () => a.observer.open.length + b.observer.open.length === 2);
    assert.equal(a.observer.open[0].peer, "b");
    assert.equal(b.observer.open[0].peer, "a");
    a.observer.open[0].send({ kind: "hello", n: 1 });
    b.observer.open[0].send({ kind: "hello", n: 2 });
    await waitFor("both have heard", () => a.observer.messages.length + b.observer.messages.length === 2);
    assert.deepEqual(b.observer.messages, [{ kind: "hello", n: 1 }]);
    assert.deepEqual(a.observer.messages, [{ kind: "hello", n: 2 }]);
    assert.equal(a.dialer.status().state, "connected");
    assert.equal(a.dialer.status().node, "b");
  });

  test("is refused with another key, and both sides can say why", async (t) => {
    const b = listen(t);
    const a = dial(t, b.address, syncParts("a", Buffer.from("another key that nobody shares")));
    await waitFor("both have given up", () => a.observer.errors.length > 0 && b.observer.errors.length > 0);
    assert.match(a.observer.errors[0].message, /\(b\) has another key/);
    assert.match(b.observer.errors[0].message, /ended the connection before it proved anything/);
    assert.equal(a.parts.counters.refusedKeys, 1);
    assert.deepEqual([a.observer.open, b.observer.open], [[], []]);
  });

  test("is made anew when the peer comes back", async (t) => {
    const address = loopbackAddress();
    const a = dial(t, address);
    await waitFor("nobody is there", () => a.observer.errors.length > 0);
    assert.match(a.dialer.status().lastFailure ?? "", /ECONNREFUSED/);
    const b = listen(t, address);
    await waitFor("it is open", () => a.observer.open.length === 1);
    b.listener.stop();
    await waitFor("it has ended", () => a.dialer.status().state !== "connected");
    listen(t, address);
    await waitFor("it is open again", () => a.observer.open.length === 2);
  });

  test("goes to who connects last under a name", async (t) => {
    const b = listen(t);
    const first = dial(t, b.address);
    await waitFor("the first is open", () => b.observer.open.length === 1);
    dial(t, b.address);
    await waitFor("the first was closed", () => first.observer.errors.length === 1);
    assert.equal(b.listener.connections.length, 1);
  });

  test("ends when a message cannot be understood by who gets it", async (t) => {
    const b = listen(t);
    b.observer.message = () => {
      throw new Error("no such kind");
    };
    const a = dial(t, b.address);
    await waitFor("it is open", () => a.observer.open.length === 1);
    a.observer.open[0].send({ kind: "nonsense" });
    await waitFor("it has ended", () => b.observer.errors.length === 1);
    assert.equal(b.parts.counters.refusedMessages, 1);
  });

  test("ends when the peer says nothing for 5 s, or proves nothing", async (t) => {
    const address = loopbackAddress();
    const sockets = await puppet(t, address);
    const timers = new FakeTimers();
    const a = dial(t, address, syncParts("a", SYNC_KEY, timers));
    await waitFor("it is connected", () => sockets.length === 1);
    await accept(sockets[0]);
    await waitFor("it is open", () => a.observer.open.length === 1);
    await timers.advance(6000);
    assert.match(a.observer.errors[0].message, /nothing came from the peer for 5000 ms/);
    assert.equal(a.parts.counters.silentPeers, 1);
    await timers.advance(1000);
    await waitFor("it is connected again", () => sockets.length === 2);
    await timers.advance(5000);
    assert.match(a.observer.errors[1].message, /no proof of the key within 5000 ms/);
  });

  test("to a peer that takes nothing is left, after a bounded number of bytes", async (t) => {
    const address = loopbackAddress();
    const sockets = await puppet(t, address);
    const a = dial(t, address);
    await waitFor("it is connected", () => sockets.length === 1);
    await accept(sockets[0]);
    sockets[0].pause();
    await waitFor("it is open", () => a.observer.open.length === 1);
    const [connection] = a.observer.open;
    const text = "x".repeat(100_000);
    for (let i = 0; i < 1000 && connection.isOpen; i++) {
      connection.send({ kind: "much", text });
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(a.observer.errors[0].message, /does not take what it is sent/);
    assert.equal(a.parts.counters.slowPeers, 1);
  });

  test("has few strangers at a time, and strangers learn nothing", async (t) => {
    const b = listen(t);
    await waitFor("it listens", () => b.logger.messages.includes("peers are awaited"));
    const strangers = Array.from({ length: 40 }, () => connect(PORT, b.address).on("error", () => {}));
    t.after(() => {
      for (const stranger of strangers) stranger.destroy();
    });
    let closed = 0;
    for (const stranger of strangers) stranger.on("close", () => closed++).resume();
    await waitFor("the surplus was closed", () => closed === 36);
    assert.equal(b.observer.open.length, 0);
    for (const stranger of strangers) stranger.write("GET / HTTP/1.1\r\n\r\n");
    await waitFor("all were closed", () => closed === 40);
    assert.equal(b.parts.counters.bytesSent, 0);
    assert.equal(b.parts.counters.refusedMessages, 4);
  });

  test("waits for an address that cannot be listened on yet, and says so once", async (t) => {
    const address = loopbackAddress();
    const blocker = createServer().listen(PORT, address);
    await once(blocker, "listening");
    t.after(() => blocker.close());
    const timers = new FakeTimers();
    const b = listen(t, address, timers);
    await waitFor("it has failed", () => b.listener.failure !== undefined);
    assert.match(b.listener.failure ?? "", /EADDRINUSE/);
    await new Promise((resolve) => blocker.close(resolve));
    await waitFor("it listens", async () => {
      await timers.advance(2000);
      return b.listener.failure === undefined;
    });
    assert.equal(b.logger.records.filter(({ level }) => level === "error").length, 1);
  });
});
