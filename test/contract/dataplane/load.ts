import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EndReasonName } from "../../../src/dataplane/records.js";
import {
  connectTo,
  hashBytes,
  loopbackAddress,
  outcome,
  ping,
  receive,
  receiveExactly,
  sendBytes,
  startRealserver,
} from "../../helpers/tcp.js";
import type { WithPlane } from "./with-plane.js";

const MIB = 1 << 20;

/** Bulk transfers, a realserver that dies in one, and many connections at once. */
export function loadBehaviour(withPlane: WithPlane): void {
  test("64 MiB go in both directions at once and arrive right", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      const served = await realserver.next();
      const size = 64 * MIB;
      const send = async (socket: Socket) => {
        const hash = await sendBytes(socket, size);
        socket.end();
        return { size, hash };
      };
      const [up, down, upGot, downGot] = await Promise.all([
        send(client),
        send(served),
        hashBytes(served),
        hashBytes(client),
      ]);
      assert.deepEqual(upGot, up);
      assert.deepEqual(downGot, down);
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.inBytes, record.outBytes], [size, size]);
    });
  });

  test("a realserver that dies in mid-transfer resets its own client only", async (t) => {
    const [dying, healthy] = [await startRealserver(), await startRealserver()];
    t.after(dying.close);
    t.after(healthy.close);
    await withPlane({ services: [{ servers: [dying, healthy] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const victim = await connectTo({ address, port });
      const dyingSocket = await dying.next();
      const other = await connectTo({ address, port });
      const healthySocket = await healthy.next();
      const otherGot = hashBytes(other);
      const victimSends = sendBytes(dyingSocket, 1024 * MIB).catch(() => "died");
      const otherSends = sendBytes(healthySocket, 32 * MIB);
      await receiveExactly(victim, 64 * 1024);
      dyingSocket.resetAndDestroy();
      assert.equal(await outcome(victim), "reset");
      assert.equal(await victimSends, "died");
      const hash = await otherSends;
      healthySocket.end();
      assert.deepEqual(await otherGot, { size: 32 * MIB, hash });
      other.end();
      const records = await bench.recorded(2);
      assert.deepEqual(records.map((record) => record.end).sort(), ["realserver", "realserverReset"]);
    });
  });

  test("500 connections of mixed behaviour are accounted for to the byte", async (t) => {
    const realservers = await Promise.all(Array.from({ length: 3 }, () => startRealserver(serveOrder)));
    for (const realserver of realservers) t.after(realserver.close);
    await withPlane({ services: [{ servers: realservers }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const kinds = [echoer, halfCloser, slowReader, resetter, victimOfReset, idler];
      const expected = new Map<number, Expected>();
      const run = async (i: number): Promise<void> => {
        const client = await connectTo({ address, port });
        const clientPort = client.localPort ?? 0;
        expected.set(clientPort, await kinds[i % kinds.length](client, 1 + ((i * 7919) % 200_000)));
      };
      await Promise.all(Array.from({ length: 500 }, (_, i) => run(i)));
      const idlers = [...expected.values()].filter(({ end }) => end === "killed").length;
      await bench.recorded(500 - idlers);
      assert.equal(bench.connections(), idlers);
      plane.command({ op: "kill" });
      const records = await bench.recorded(500);

      assert.equal(records.length, 500);
      const sums = realservers.map(() => ({ in: 0, out: 0 }));
      for (const { clientPort, server, inBytes, outBytes, end } of records) {
        const expects = expected.get(clientPort);
        assert.ok(expects, `a record of a client that was not there: port ${clientPort}`);
        const exact = end !== "realserverReset";
        assert.deepEqual({ end, inBytes, outBytes: exact ? outBytes : 0 }, expects);
        sums[server].in += inBytes;
        sums[server].out += outBytes;
        expected.delete(clientPort);
      }
      assert.deepEqual(
        [...bench.memory.inBytes],
        sums.map((sum) => sum.in),
      );
      assert.deepEqual(
        [...bench.memory.outBytes],
        sums.map((sum) => sum.out),
      );
    });
  });
}

interface Expected {
  readonly end: EndReasonName;
  readonly inBytes: number;
  readonly outBytes: number;
}

/** An order: a verb and a size, in 16 bytes. */
const ORDER_BYTES = 16;
const order = (verb: "echo" | "send" | "die", size: number) => `${verb} ${size}`.padEnd(ORDER_BYTES);

/** Realserver: obeys the order that the client opens with. */
async function serveOrder(socket: Socket): Promise<void> {
  const [verb, size] = (await receiveExactly(socket, ORDER_BYTES)).toString().split(" ");
  if (verb === "echo") {
    socket.pipe(socket);
    return;
  }
  socket.resume();
  socket.write(Buffer.alloc(Number(size), "s"), () => {
    if (verb === "die") socket.resetAndDestroy();
    else socket.end();
  });
}

async function echoer(client: Socket, size: number): Promise<Expected> {
  client.write(order("echo", size));
  const received = hashBytes(client);
  const hash = await sendBytes(client, size, 10_000);
  client.end();
  assert.deepEqual(await received, { size, hash });
  return { end: "client", inBytes: ORDER_BYTES + size, outBytes: size };
}

async function halfCloser(client: Socket, size: number): Promise<Expected> {
  client.end(order("send", size));
  assert.equal((await receive(client)).length, size);
  return { end: "client", inBytes: ORDER_BYTES, outBytes: size };
}

async function slowReader(client: Socket, size: number): Promise<Expected> {
  client.write(order("send", size));
  for (let read = 0; read < size; ) {
    const want = Math.min(1000, size - read);
    read += (await receiveExactly(client, want)).length;
    await nextTurn();
  }
  assert.equal(await outcome(client), "end");
  client.end();
  return { end: "realserver", inBytes: ORDER_BYTES, outBytes: size };
}

async function resetter(client: Socket, size: number): Promise<Expected> {
  client.write(order("echo", size));
  await ping(client, "p".repeat(size));
  client.resetAndDestroy();
  return { end: "clientReset", inBytes: ORDER_BYTES + size, outBytes: size };
}

/** How much of the bytes arrives before a reset overtakes them is nobody's promise: they are not compared. */
async function victimOfReset(client: Socket, size: number): Promise<Expected> {
  client.write(order("die", size));
  assert.equal(await outcome(client), "reset");
  return { end: "realserverReset", inBytes: ORDER_BYTES, outBytes: 0 };
}

async function idler(client: Socket): Promise<Expected> {
  client.write(order("echo", 4));
  await ping(client, "idle");
  return { end: "killed", inBytes: ORDER_BYTES + 4, outBytes: 4 };
}
