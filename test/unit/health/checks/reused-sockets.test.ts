/** Checks leave their sockets to one another: nobody hears of another one's connection, and each result is as with a new socket. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { httpCheck } from "../../../../src/health/checks/http.js";
import { ReusedSockets } from "../../../../src/health/checks/reused-sockets.js";
import { runProbe } from "../../../helpers/check-probe.js";
import { randomBySeed, seedOf } from "../../../helpers/keystream.js";
import { refusingTarget, startRealserver, type TestRealserver } from "../../../helpers/tcp.js";

/** What a connection's user has heard, in order. */
interface Heard {
  readonly socket: Socket;
  readonly words: string[];
}

function connect(sockets: ReusedSockets, { address, port }: { address: string; port: number }): Heard {
  const words: string[] = [];
  const socket = sockets.connect(address, port, {
    connected: () => words.push("connected"),
    received: (chunk) => words.push(chunk.toString()),
    ended: () => words.push("ended"),
    failed: ({ code }) => words.push(String(code)),
  });
  return { socket, words };
}

function closed({ socket }: Heard): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** A realserver that greets. */
function greeting(text: string): Promise<TestRealserver> {
  return startRealserver((socket) => socket.write(text));
}

describe("sockets of checks", () => {
  it("connect again after a reset, and only the one who connected hears of it", async () => {
    const sockets = new ReusedSockets();
    const first = await greeting("first");
    const second = await greeting("second");
    try {
      const a = connect(sockets, first);
      await once(a.socket, "data");
      a.socket.resetAndDestroy();
      await closed(a);
      const b = connect(sockets, second);
      await once(b.socket, "data");
      b.socket.resetAndDestroy();
      await closed(b);
      assert.equal(b.socket, a.socket);
      assert.deepEqual(a.words, ["connected", "first", "ended"]);
      assert.deepEqual(b.words, ["connected", "second", "ended"]);
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  it("are each in use once: two connections at a time have two", async () => {
    const sockets = new ReusedSockets();
    const realserver = await greeting("hello");
    try {
      const a = connect(sockets, realserver);
      const b = connect(sockets, realserver);
      assert.notEqual(a.socket, b.socket);
      a.socket.destroy();
      b.socket.destroy();
    } finally {
      await realserver.close();
    }
  });

  it("are not used again after a refused connection", async () => {
    const sockets = new ReusedSockets();
    const target = await refusingTarget();
    const a = connect(sockets, target);
    await closed(a);
    const b = connect(sockets, target);
    await closed(b);
    assert.notEqual(b.socket, a.socket);
    assert.deepEqual(b.words, ["ECONNREFUSED", "ended"]);
  });

  it("are not used again where the realserver has ended the connection", async () => {
    const sockets = new ReusedSockets();
    const realserver = await startRealserver((socket) => socket.end("bye"));
    try {
      const a = connect(sockets, realserver);
      await closed(a);
      const b = connect(sockets, realserver);
      assert.notEqual(b.socket, a.socket);
      b.socket.destroy();
    } finally {
      await realserver.close();
    }
  });

  it("are not used again while what came was not read", async () => {
    const sockets = new ReusedSockets();
    const realserver = await greeting("x".repeat(100_000));
    try {
      const a = connect(sockets, realserver);
      await once(a.socket, "data");
      a.socket.pause();
      a.socket.resetAndDestroy();
      await closed(a);
      const b = connect(sockets, realserver);
      assert.notEqual(b.socket, a.socket);
      b.socket.destroy();
    } finally {
      await realserver.close();
    }
  });
});

describe("checks that share sockets", () => {
  it("come to the same result as each alone, in any order", { timeout: 60_000 }, async (t) => {
    const random = randomBySeed(seedOf(t));
    const serve = (answer: (socket: Socket) => void): Promise<TestRealserver> =>
      startRealserver((socket) => socket.once("data", () => answer(socket)));
    const good = await serve((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    const closing = await serve((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nok"));
    const tooMuch = await serve((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\nok${"x".repeat(300_000)}`),
    );
    const sad = await serve((socket) => socket.write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
    const rude = await startRealserver((socket) => socket.resetAndDestroy());
    const mute = await startRealserver();
    const kinds = [
      { target: good, code: /^L7OK$/ },
      { target: closing, code: /^L7OK$/ },
      { target: tooMuch, code: /^L7OK$/ },
      { target: sad, code: /^L7STS$/ },
      { target: rude, code: /^L[47]RSP$|^L4CON$/ },
      { target: mute, code: /^L[47]TOUT$/, timeoutMs: 50 },
      { target: await refusingTarget(), code: /^L4CON$/ },
    ];
    const checker = httpCheck({ body: "ok" });
    try {
      for (let round = 0; round < 30; round++) {
        const chosen = Array.from({ length: 12 }, () => kinds[Math.floor(random() * kinds.length)]);
        await Promise.all(
          chosen.map(async ({ target, code, timeoutMs }) => {
            const result = await runProbe(checker, target, { timeoutMs });
            assert.match(result.code, code, result.reason);
          }),
        );
      }
    } finally {
      await Promise.all([good, closing, tooMuch, sad, rude, mute].map((realserver) => realserver.close()));
    }
  });
});
