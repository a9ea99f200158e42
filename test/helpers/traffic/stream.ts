/** Bytes of a seed over a socket, one way: sent as fast as they are taken, and compared as they come. */
import type { Socket } from "node:net";
import { Keystream } from "../keystream.js";

const CHUNK = 32 * 1024;

/** The two directions of a connection's seed. */
export const upStream = (seed: number): Keystream => new Keystream(`up ${seed}`);
export const downStream = (seed: number): Keystream => new Keystream(`down ${seed}`);

/** Sends so many bytes; gives up silently when the socket is gone, as whoever waits for its end is told then. */
export async function sendStream(socket: Socket, stream: Keystream, size: number): Promise<void> {
  for (let left = size; left > 0 && !socket.destroyed; ) {
    const chunk = stream.next(Math.min(CHUNK, left));
    left -= chunk.length;
    if (!socket.write(chunk)) await drained(socket);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** Reads a socket to its end and compares what comes. */
export class Receiver {
  received = 0;
  /** Byte that was not the one expected, -1: none. */
  wrongAt = -1;
  /** The other side's FIN came. */
  isFinished = false;
  /** Resolves at the other side's FIN, or when the socket is closed without one. */
  readonly ended: Promise<void>;
  readonly #stream: Keystream;
  #onBytes: (() => void) | undefined;

  /** @param pauseMs for a reader that takes its time: how long it rests after each chunk */
  constructor(socket: Socket, stream: Keystream, pauseMs?: () => number) {
    this.#stream = stream;
    this.ended = new Promise((resolve) => {
      socket.once("end", () => {
        this.isFinished = true;
        resolve();
      });
      socket.once("close", resolve);
    });
    socket.on("data", (chunk: Buffer) => {
      this.#compare(chunk);
      this.#onBytes?.();
      if (pauseMs === undefined) return;
      socket.pause();
      setTimeout(() => socket.resume(), pauseMs());
    });
  }

  /** Resolves when so many bytes came, or the socket ended before. */
  atLeast(bytes: number): Promise<unknown> {
    const enough = new Promise<void>((resolve) => {
      this.#onBytes = () => {
        if (this.received >= bytes) resolve();
      };
      this.#onBytes();
    });
    return Promise.race([enough, this.ended]);
  }

  #compare(chunk: Buffer): void {
    if (this.wrongAt < 0 && !this.#stream.next(chunk.length).equals(chunk)) this.wrongAt = this.received;
    this.received += chunk.length;
  }
}
