/**
 * The realservers and clients of the recordings, in one process inside the network namespace whose addresses they use.
 * It does what its parent asks over IPC, one thing at a time: open a connection, send, close.
 *
 * A realserver greets with its own address and a number, so that a client knows who was chosen and the agent which of
 * its own sockets is at the other end; then it echoes. Over UDP it answers every datagram with its own address.
 */
import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, connect as netConnect, type Socket } from "node:net";
import { formatEndpoint } from "../../src/core/address.js";
import { parseEndpoint } from "./golden-addresses.js";
import type { CloseResult, Request, SendResult } from "./golden-namespace.js";

/** Where the kernel's recordings have `timeout`. Far above what a loaded machine needs. */
const DEADLINE_MS = 10_000;
const CHUNK = Buffer.alloc(64 * 1024, "uvs");

/** A client's connection and what answered it. */
interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  received: number;
  /** The client was reset and has not been told in an answer. */
  wasReset: boolean;
}

const connections = new Map<string, Connection>();
const accepted: Socket[] = [];

async function serve(endpoint: string): Promise<void> {
  const { address, port } = parseEndpoint(endpoint);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => {});
    const number = accepted.push(socket) - 1;
    socket.write(`${endpoint} ${number}\n`);
    socket.pipe(socket);
  });
  server.listen(port, address);
  await once(server, "listening");
}

async function serveDatagrams(endpoint: string): Promise<void> {
  const { address, port } = parseEndpoint(endpoint);
  const server = createSocket(isIPv6(address) ? "udp6" : "udp4");
  server.on("message", (_, client) => server.send(`${endpoint}\n`, client.port, client.address));
  server.bind(port, address);
  await once(server, "listening");
}

const datagramClients = new Map<string, DatagramSocket>();

/** Sends one datagram; the same id is the same socket. */
async function ask(request: Extract<Request, { op: "ask" }>): Promise<string> {
  const { id, from, sport, to, bytes, waitMs } = request;
  let client = datagramClients.get(id);
  if (client === undefined) {
    client = createSocket(isIPv6(from) ? "udp6" : "udp4");
    client.bind(sport, from);
    await once(client, "listening");
    datagramClients.set(id, client);
  }
  const { address, port } = parseEndpoint(to);
  client.removeAllListeners("message");
  const answered = new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve("timeout"), waitMs);
    client.once("message", (answer, replier) => {
      clearTimeout(timer);
      resolve(answer.toString().trim() + replyFrom(replier, to));
    });
  });
  client.send(CHUNK.subarray(0, bytes), port, address);
  return answered;
}

function replyFrom({ address, port }: RemoteInfo, to: string): string {
  const from = formatEndpoint({ address, port });
  return from === to ? "" : ` from ${from}`;
}

/** @returns the realserver, or how it ended: `refused`, `reset`, `closed`, `unreachable`, `timeout` */
function connect(id: string, from: string, sport: number, to: string): Promise<string> {
  const { address, port } = parseEndpoint(to);
  const client = netConnect({
    host: address,
    port,
    localAddress: from,
    localPort: sport,
    family: isIPv6(address) ? 6 : 4,
    allowHalfOpen: true,
    noDelay: true,
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve("timeout"), DEADLINE_MS);
    const settle = (outcome: string): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    client.on("error", (error: NodeJS.ErrnoException) => {
      const outcome = OUTCOMES[error.code ?? ""];
      if (outcome !== undefined) settle(outcome);
      else reject(error);
    });
    client.once("end", () => settle("closed"));
    let banner = "";
    client.on("data", function greet(bytes: Buffer) {
      banner += bytes.toString();
      if (!banner.endsWith("\n")) return;
      client.off("data", greet);
      const [chosen, number] = banner.trim().split(" ");
      const connection: Connection = {
        client,
        server: accepted[Number(number)],
        received: 0,
        wasReset: false,
      };
      client.on("data", (echo: Buffer) => {
        connection.received += echo.length;
      });
      client.on("error", () => {
        connection.wasReset = true;
      });
      connections.set(id, connection);
      settle(chosen);
    });
  });
}

const OUTCOMES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EPIPE: "reset",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
};

async function send(id: string, bytes: number): Promise<SendResult> {
  const connection = connections.get(id);
  if (connection === undefined) return "closed";
  const { client } = connection;
  if (client.destroyed) {
    const { wasReset } = connection;
    connection.wasReset = false;
    return wasReset ? "reset" : "closed";
  }
  const expected = connection.received + bytes;
  for (let left = bytes; left > 0; left -= CHUNK.length) client.write(CHUNK.subarray(0, left));
  return until<SendResult>("timeout", (settle) => {
    const check = (): void => {
      if (connection.received === expected) settle("echo");
    };
    client.on("data", check);
    client.once("error", () => settle("reset"));
    client.once("end", () => settle("closed"));
    check();
  });
}

/** Ends a connection, and waits until both its sockets have seen the end. */
async function close(id: string, how?: "rst" | "server"): Promise<CloseResult> {
  const connection = connections.get(id);
  if (connection === undefined) return "none";
  const { client, server } = connection;
  const bothClosed = until<CloseResult>("timeout", (settle) => {
    const check = (): void => {
      if (client.closed && server.closed) settle("closed");
    };
    client.once("close", check);
    server.once("close", check);
    check();
  });
  if (how === "rst") client.resetAndDestroy();
  else if (how === "server") {
    server.end();
    client.once("end", () => client.end());
  } else client.end();
  return bothClosed;
}

function until<Result>(atDeadline: Result, wait: (settle: (result: Result) => void) => void) {
  return new Promise<Result>((resolve) => {
    const timer = setTimeout(() => resolve(atDeadline), DEADLINE_MS);
    wait((result) => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}

function answer(request: Request): Promise<unknown> {
  switch (request.op) {
    case "serve":
      return Promise.all([...request.tcp.map(serve), ...request.udp.map(serveDatagrams)]);
    case "ask":
      return ask(request);
    case "connect":
      return connect(request.id, request.from, request.sport, request.to);
    case "send":
      return send(request.id, request.bytes);
    case "close":
      return close(request.id, request.how);
  }
}

process.on("disconnect", () => process.exit());
process.on("message", (request: Request) => {
  answer(request).then(
    (value) => process.send?.({ value }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
