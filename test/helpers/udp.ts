/** Realservers and clients of UDP for tests, on loopback. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { ScriptedTarget } from "./scripted-dispatcher.js";
import { waitFor } from "./wait-for.js";

/** A realserver that runs in this process. */
export interface UdpRealserver extends ScriptedTarget {
  /** Every datagram that came, and from which port of the director. */
  readonly received: { readonly bytes: Buffer; readonly port: number }[];
  /** Sends more answers to whoever sent last. */
  answerAgain(...answers: (string | Buffer)[]): void;
  close(): void;
}

/** Answers a datagram, or not. */
export type UdpAnswer = (bytes: Buffer) => string | Buffer | undefined;

async function bound(address: string, port = 0): Promise<Socket> {
  const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", recvBufferSize: 1 << 20 });
  socket.bind(port, address);
  await once(socket, "listening");
  return socket;
}

/** Starts a realserver; it echoes if nothing else is said. */
export async function startUdpRealserver(
  answer: UdpAnswer = (bytes) => bytes,
  address = "127.0.0.1",
): Promise<UdpRealserver> {
  const socket = await bound(address);
  const received: { bytes: Buffer; port: number }[] = [];
  let last: RemoteInfo | undefined;
  let isOpen = true;
  socket.on("message", (bytes, from) => {
    received.push({ bytes, port: from.port });
    last = from;
    const reply = answer(bytes);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  return {
    address,
    port: socket.address().port,
    received,
    answerAgain: (...answers) => {
      for (const reply of answers) socket.send(reply, last!.port, last!.address);
    },
    close: () => {
      if (isOpen) socket.close();
      isOpen = false;
    },
  };
}

/** An address where nobody listens. */
export async function refusingUdpTarget(): Promise<ScriptedTarget> {
  const socket = await bound("127.0.0.1");
  const { address, port } = socket.address();
  socket.close();
  return { address, port };
}

/** A client with a socket of its own. */
export class UdpClient {
  readonly address: string;
  readonly port: number;
  /** Everything that came, and from where. */
  readonly answers: { readonly bytes: Buffer; readonly from: string }[] = [];
  readonly #socket: Socket;
  readonly #to: { readonly address: string; readonly port: number };

  private constructor(socket: Socket, to: { address: string; port: number }) {
    this.#socket = socket;
    this.#to = to;
    ({ address: this.address, port: this.port } = socket.address());
    socket.on("message", (bytes, { address, port }) =>
      this.answers.push({ bytes, from: `${address} ${port}` }),
    );
  }

  /** @param from the client's address */
  static async open(to: { address: string; port: number }, from = "127.0.0.1", port = 0): Promise<UdpClient> {
    return new UdpClient(await bound(from, port), to);
  }

  send(datagram: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(datagram, this.#to.port, this.#to.address, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  /** Sends a datagram and waits for the next answer. */
  async ask(datagram: string | Buffer): Promise<string> {
    const before = this.answers.length;
    await this.send(datagram);
    await waitFor(`an answer to ${datagram.length} bytes`, () => this.answers.length > before);
    return this.answers[before].bytes.toString();
  }

  close(): void {
    this.#socket.close();
  }
}
