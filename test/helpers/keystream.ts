/**
 * Pseudo-random bytes by seed: what was sent can be checked at the other end without having been kept. AES in counter
 * mode is the generator, because it is the fastest one that Node has.
 */
import { type Cipher, createCipheriv, createHash, randomInt } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { TestContext } from "node:test";

const ZEROS = Buffer.alloc(1 << 18);

/** An endless stream of bytes; the same seed gives the same bytes. */
export class Keystream {
  readonly #cipher: Cipher;

  constructor(seed: string) {
    const key = createHash("sha256").update(seed).digest();
    this.#cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  }

  /** The next bytes. @param size at most 256 KiB */
  next(size: number): Buffer {
    return this.#cipher.update(ZEROS.subarray(0, size));
  }
}

/** The seed of a random test, printed so that a failure can be repeated with `UVS_TEST_SEED`. */
export function seedOf(t: TestContext): number {
  const seed = Number(process.env["UVS_TEST_SEED"] ?? randomInt(2 ** 31));
  t.diagnostic(`seed: UVS_TEST_SEED=${seed}`);
  return seed;
}

/** A generator of numbers from 0 to below 1 by seed (mulberry32). */
export function randomBySeed(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one side of a bulk exchange saw. */
export interface Exchange {
  readonly received: number;
  readonly receivedHash: string;
  readonly sentHash: string;
}

/** A reader that stops for a while: what is not read backs up to the sender, who cannot finish meanwhile. */
export interface Hold {
  /** Bytes after which it stops. */
  readonly at: number;
  /** When it goes on. */
  readonly until: Promise<unknown>;
}

/** Sends `size` bytes of a seed and its FIN, while it reads to the other side's. @throws the socket's error */
export async function exchange(socket: Socket, seed: string, size: number, hold?: Hold): Promise<Exchange> {
  const receivedHash = createHash("sha256");
  let received = 0;
  let isHeld = false;
  socket.on("data", (chunk: Buffer) => {
    receivedHash.update(chunk);
    received += chunk.length;
    if (hold === undefined || isHeld || received < hold.at) return;
    isHeld = true;
    socket.pause();
    void hold.until.then(() => socket.resume());
  });
  const [sentHash] = await Promise.all([send(socket, seed, size), once(socket, "end")]);
  return { received, receivedHash: receivedHash.digest("hex"), sentHash };
}

async function send(socket: Socket, seed: string, size: number): Promise<string> {
  const stream = new Keystream(seed);
  const hash = createHash("sha256");
  for (let left = size; left > 0; ) {
    const chunk = stream.next(Math.min(ZEROS.length, left));
    left -= chunk.length;
    hash.update(chunk);
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  socket.end();
  return hash.digest("hex");
}
