/**
 * struct msghdr with one buffer, the sender's address and ancillary data, in memory that is reused for every recvmsg
 * (64-bit systems).
 *
 * | byte | msghdr (56) | cmsghdr |
 * |---|---|---|
 * | 0 | address of the sockaddr, 8 bytes | length with this header, 8 bytes |
 * | 8 | its length, 4 | level, 4; type, 4 |
 * | 16 | address of the iovec, 8 | data, padded to 8 |
 * | 24 | number of iovecs, 8 | |
 * | 32 | address of the ancillary data, 8 | |
 * | 40 | its length, 8 | |
 * | 48 | flags, 4 | |
 */
import type { Libc } from "./libc.js";

const HEADER_BYTES = 56;
const IOVEC_AT = HEADER_BYTES;
const CONTROL_AT = 128;
const CONTROL_BYTES = 384;
const CMSG_HEADER_BYTES = 16;

/** See the file's head. */
export class MessageHeader {
  /** For recvmsg. */
  readonly address: number;
  readonly #view: DataView;
  readonly #name: number;
  readonly #nameBytes: number;

  /**
   * @param buffer address of what is received, and its size
   * @param name address of a sockaddr, and its size
   */
  constructor(libc: Pick<Libc, "allocate">, buffer: [number, number], name: [number, number]) {
    const memory = libc.allocate(CONTROL_AT + CONTROL_BYTES);
    this.address = memory.address;
    this.#view = new DataView(memory.buffer);
    [this.#name, this.#nameBytes] = name;
    this.#setWord(IOVEC_AT, buffer[0]);
    this.#setWord(IOVEC_AT + 8, buffer[1]);
  }

  /** Makes it ready for a call. */
  expect(): void {
    this.#setWord(0, this.#name);
    this.#view.setUint32(8, this.#nameBytes, true);
    this.#setWord(16, this.address + IOVEC_AT);
    this.#setWord(24, 1);
    this.#setWord(32, this.address + CONTROL_AT);
    this.#setWord(40, CONTROL_BYTES);
    this.#view.setUint32(48, 0, true);
  }

  /** The data of one piece of ancillary data; undefined where the kernel sent none of that kind. */
  control(level: number, type: number, bytes: number): DataView | undefined {
    const end = CONTROL_AT + Number(this.#view.getBigUint64(40, true));
    let at = CONTROL_AT;
    while (at + CMSG_HEADER_BYTES <= end) {
      const length = Number(this.#view.getBigUint64(at, true));
      if (length < CMSG_HEADER_BYTES) return undefined;
      if (this.#view.getInt32(at + 8, true) === level && this.#view.getInt32(at + 12, true) === type) {
        return length >= CMSG_HEADER_BYTES + bytes
          ? new DataView(this.#view.buffer, at + CMSG_HEADER_BYTES, bytes)
          : undefined;
      }
      at += Math.ceil(length / 8) * 8;
    }
    return undefined;
  }

  #setWord(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), true);
  }
}
