/** Realservers and clients for tests: real TCP on loopback, each with the little that tests ask of them. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { ScriptedTarget } from "./scripted-dispatcher.js";

let nextAddress = 1;

/**
 * An address of 127.64.0.0/10 that no other test uses: 14 bits of the process's pid keep test files apart that run at the
 * same time, the last octet keeps apart what one process asks for.
 */
export function loopbackAddress(): string {
  const last = nextAddress++;
  if (last > 254) throw new Error("a test process has 254 addresses of its own, and they are used up");
  return `127.${64 + (process.pid % 64)}.${(process.pid >> 6) & 255}.${last}`;
}

/** A realserver that runs in this process. */
export interface TestRealserver extends ScriptedTarget {
  readonly server: Server;
  /** Every connection it accepted, ended ones too. */
  readonly sockets: Socket[];
  /** Resolves to the next connection, or to the first one that nobody has asked for. */
  next(): Promise<Socket>;
  /** Stops listening and destroys every connection. */
  close(): Promise<void>;
}

/** Starts a realserver on a free port. Errors of its sockets are left to `serve` and otherwise ignored. */
export async function startRealserver(
  serve: (socket: Socket) => void = () => {},
  address = "127.0.0.1",
): Promise<TestRealserver> {
  const sockets: Socket[] = [];
  let taken = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    serve(socket);
    server.emit("served");
  });
  server.listen(0, address);
  await once(server, "listening");
  return {
    address,
    port: (server.address() as AddressInfo).port,
    server,
    sockets,
    async next() {
      while (sockets.length <= taken) await once(server, "served");
      return sockets[taken++];
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends back what comes, and its end after it. */
export function echo(socket: Socket): void {
  socket.pipe(socket);
}

/** A port of 127.0.0.1 that refuses: it was free a moment ago. */
export async function refusingTarget(): Promise<ScriptedTarget> {
  const { address, port, close } = await startRealserver();
  await close();
  return { address, port };
}

/**
 * A target that leaves a connect hanging: it listens, never accepts, and its queue is full, so that the kernel drops
 * further SYNs. The listener is in a thread that sleeps, for libuv would accept.
 */
export async function hangingTarget(): Promise<ScriptedTarget & { close(): Promise<void> }> {
  const wake = new Int32Array(new SharedArrayBuffer(4));
  const address = "127.0.0.1";
  const worker = new Worker(
    `const { workerData: { wake, address }, parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: address, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(wake, 0, 0);
       process.exit();
     });`,
    { eval: true, workerData: { wake, address } },
  );
  const [port] = (await once(worker, "message")) as [number];
  // A queue of backlog 1 takes two (the kernel compares with >).
  const fillers = [await connectTo({ address, port }), await connectTo({ address, port })];
  return {
    address,
    port,
    async close() {
      for (const filler of fillers) filler.destroy();
      Atomics.store(wake, 0, 1);
      Atomics.notify(wake, 0);
      await once(worker, "exit");
    },
  };
}

/**
 * A connected client. Its errors do not throw: ask `outcome`.
 * @throws the socket's error where connecting fails
 */
export async function connectTo(target: ScriptedTarget, localAddress?: string): Promise<Socket> {
  const socket = startConnect(target, localAddress);
  await once(socket, "connect");
  return socket;
}

/** A client that is being connected; its errors do not throw. */
export function startConnect(target: ScriptedTarget, localAddress?: string): Socket {
  const socket = netConnect({
    host: target.address,
    port: target.port,
    localAddress,
    allowHalfOpen: true,
    noDelay: true,
  });
  socket.on("error", () => {});
  return socket;
}

/** How the other side ended, as this socket saw it; "closed" is an end by this side. */
export type Outcome = "end" | "reset" | "closed";

/** Waits for the end of what the other side sends; reads, and throws away, what nobody else reads. */
export function outcome(socket: Socket): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = () => resolve(hasPeer(socket) ? "end" : "reset");
    if (socket.errored) return resolve(isReset(socket.errored) ? "reset" : "closed");
    if (socket.readableEnded) return end();
    if (socket.destroyed) return resolve("closed");
    socket.once("end", end);
    socket.once("error", (error) => resolve(isReset(error) ? "reset" : "closed"));
    socket.once("close", () => resolve("closed"));
    socket.resume();
  });
}

/**
 * Whether the peer is still there. libuv tells a reset that comes together with bytes as an end; a socket that was reset
 * has no peer, but neither has one whose both sides have ended, which counts as in order.
 */
function hasPeer(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as { _handle: { getpeername(name: object): number } | null };
  return socket.writableEnded || handle?.getpeername({}) === 0;
}

function isReset(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE";
}

/** What a socket received until its end. @throws its error where it is reset */
export async function receive(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** The next `size` bytes of a socket. @throws Error where it ends before */
export async function receiveExactly(socket: Socket, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let missing = size; missing > 0; ) {
    // Asking for more than is there would make `readable` fire without waiting for more.
    const chunk: Buffer | null = socket.read(Math.min(missing, socket.readableLength));
    if (chunk?.length) {
      chunks.push(chunk);
      missing -= chunk.length;
      continue;
    }
    await nextTurn();
    if (socket.readableEnded || socket.destroyed) throw new Error(`${missing} of ${size} bytes did not come`);
    if (socket.readableLength === 0) await once(socket, "readable");
  }
  return Buffer.concat(chunks);
}

/** Sends `text` and gets as many bytes back, from an echo. */
export async function ping(socket: Socket, text: string): Promise<void> {
  socket.write(text);
  const answer = (await receiveExactly(socket, Buffer.byteLength(text))).toString();
  if (answer !== text) throw new Error(`sent ${text}, got ${answer}`);
}

const BLOCK = randomBytes(1 << 20);

/** Sends `size` bytes, as fast as they are taken. @returns their SHA-256 */
export async function sendBytes(socket: Socket, size: number, chunkSize = 64 * 1024): Promise<string> {
  const hash = createHash("sha256");
  for (let sent = 0; sent < size; ) {
    const at = sent % (BLOCK.length - chunkSize + 1);
    const chunk = BLOCK.subarray(at, at + Math.min(chunkSize, size - sent));
    hash.update(chunk);
    sent += chunk.length;
    if (!socket.write(chunk)) await onceDrained(socket);
  }
  return hash.digest("hex");
}

async function onceDrained(socket: Socket): Promise<void> {
  if (socket.destroyed) throw new Error("the connection ended while sending", { cause: socket.errored });
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      if (socket.destroyed)
        reject(new Error("the connection ended while sending", { cause: socket.errored }));
      else resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** Reads to the end. @returns the count and SHA-256 of what came; rejects where the socket is reset */
export async function hashBytes(socket: Socket): Promise<{ size: number; hash: string }> {
  const hash = createHash("sha256");
  let size = 0;
  socket.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    size += chunk.length;
  });
  socket.resume();
  await once(socket, "end");
  return { size, hash: hash.digest("hex") };
}
