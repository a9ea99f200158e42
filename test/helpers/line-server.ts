/** Small realservers for tests of checks: what they answer is a function of what they are told. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { startRealserver, type TestRealserver } from "./tcp.js";

/** A realserver, and what it was told. */
export interface LineServer extends TestRealserver {
  readonly lines: string[];
}

/**
 * Starts a realserver of a line protocol.
 * @param greeting said at once; empty: nothing
 * @param answers by the beginning of a line; what none fits is not answered. `END` closes after the answer.
 */
export async function startLineServer(
  greeting: string,
  answers: Readonly<Record<string, string>>,
): Promise<LineServer> {
  const lines: string[] = [];
  const server = await startRealserver((socket) => {
    socket.write(greeting);
    onLines(socket, (line) => {
      lines.push(line);
      const [, answer] = Object.entries(answers).find(([start]) => line.startsWith(start)) ?? [];
      if (answer !== undefined) socket.write(answer.replace("END", ""));
      if (answer?.endsWith("END")) socket.end();
    });
  });
  return Object.assign(server, { lines });
}

/** Calls back with each line that comes. */
export function onLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = "";
  socket.on("data", (chunk) => {
    const parts = (rest + chunk.toString("latin1")).split(/\r?\n/);
    rest = parts.pop()!;
    for (const part of parts) onLine(part);
  });
}

/** A realserver that speaks UDP. */
export interface DatagramServer {
  readonly address: string;
  readonly port: number;
  readonly received: Buffer[];
  close(): Promise<void>;
}

/** Starts a realserver that answers each datagram with what `answer` returns, if anything. */
export async function startDatagramServer(
  answer: (message: Buffer, count: number) => readonly (Uint8Array | string)[],
  address = "127.0.0.1",
): Promise<DatagramServer> {
  const received: Buffer[] = [];
  const socket: UdpSocket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (message, from) => {
    received.push(message);
    for (const reply of answer(message, received.length)) socket.send(reply, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, "listening");
  return {
    address,
    port: socket.address().port,
    received,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
