/** Frames of the link between directors: four bytes of length (big endian), then as many bytes. */
import { UvsError } from "../../core/errors.js";

const HEADER_BYTES = 4;

/** What goes over the wire for a frame of these parts. */
export function frame(...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(parts.reduce((sum, { length }) => sum + length, 0));
  return Buffer.concat([header, ...parts]);
}

/** Cuts what arrives into frames. Holds no more than one frame and one chunk. */
export class FrameReader {
  /** The longest frame that is accepted, in bytes; what has not been cut yet is measured by it. */
  limit: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** @returns the next whole frame, or undefined @throws UvsError INVALID where one is longer than the limit */
  next(): Buffer | undefined {
    if (this.#bytes < HEADER_BYTES) return undefined;
    if (this.#chunks[0].length < HEADER_BYTES) this.#join();
    const length = this.#chunks[0].readUInt32BE();
    if (length > this.limit) {
      throw new UvsError("INVALID", `a frame of ${length} bytes was announced, accepted are ${this.limit}`);
    }
    if (this.#bytes < HEADER_BYTES + length) return undefined;
    this.#join();
    const [all] = this.#chunks;
    const end = HEADER_BYTES + length;
    this.#chunks = all.length > end ? [all.subarray(end)] : [];
    this.#bytes -= end;
    return all.subarray(HEADER_BYTES, end);
  }

  #join(): void {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
  }
}
