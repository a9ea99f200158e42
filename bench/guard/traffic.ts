/** The traffic of the guard: one thing after the other, so that what the plane does for it is the same in every run. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Address, REALSERVERS } from "../system/loopback.js";

const BYTES = 128;
const MESSAGE = Buffer.alloc(BYTES, "x");

/** A realserver that answers every 128 bytes with 128 bytes, and ends when its client does. */
export async function startEcho(): Promise<{ address: Address; server: Server }> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  }).listen(0, REALSERVERS[0]);
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the realserver has no address");
  return { address: { host: REALSERVERS[0], port: address.port }, server };
}

/** A connection that one request after another goes through. */
export class Client {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(entry: Address): Promise<Client> {
    const socket = connect({ ...entry, noDelay: true });
    await once(socket, "connect");
    return new Client(socket);
  }

  /** Sends requests, each after the answer to the one before. */
  request(count: number): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      let left = count;
      let received = 0;
      const take = (chunk: Buffer): void => {
        received += chunk.length;
        if (received < BYTES) return;
        received = 0;
        if (--left > 0) return void socket.write(MESSAGE);
        socket.off("data", take);
        resolve();
      };
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the plane closed the connection")));
      socket.on("data", take);
      socket.write(MESSAGE);
    });
  }

  /** Ends the connection, and waits until the other side has, too. */
  async close(): Promise<void> {
    this.#socket.removeAllListeners("close");
    const closed = once(this.#socket, "close");
    this.#socket.end();
    this.#socket.resume();
    await closed;
  }
}
