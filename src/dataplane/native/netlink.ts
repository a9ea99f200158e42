/**
 * Requests to the kernel's routing socket (rtnetlink(7)), and its answers. The kernel does what a request asks for within the
 * call that sends it, so an answer is read right after that, and nothing is waited for.
 *
 * | byte | struct nlmsghdr (16) |
 * |---|---|
 * | 0 | length of the message, 4 bytes |
 * | 4 | type |
 * | 6 | flags |
 * | 8 | sequence number, 4 bytes |
 * | 12 | port, 4 bytes: 0 is the kernel |
 *
 * Attributes follow the fixed part of a message: length (2), type (2), value, padded to 4. All numbers in host order.
 */
import type { Libc } from "./libc.js";
import {
  AF_NETLINK,
  EINTR,
  EPROTO,
  MSG_DONTWAIT,
  NETLINK_GET_STRICT_CHK,
  NETLINK_ROUTE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
} from "./linux.js";
import { syscallError } from "./syscall-error.js";

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const REQUEST_BYTES = 512;
/** The kernel fills up to so much at once. */
const ANSWER_BYTES = 32_768;
const SOCKADDR_BYTES = 12;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;

/** Flags of requests. */
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

/** A message of an answer: its fixed part begins at `at`, and it ends before `end`. */
export interface NetlinkMessage {
  readonly type: number;
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
}

/** One attribute of a request. */
export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Opens a routing socket. @param groups multicast groups that it hears. @throws UvsError SYSCALL */
export function openNetlink(libc: Libc, groups = 0): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw syscallError("socket(AF_NETLINK)", fd, "raise the limit of open descriptors (ulimit -n)");
  const { buffer, address } = libc.allocate(SOCKADDR_BYTES);
  const view = new DataView(buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups, true);
  const bound = libc.bind(fd, address, SOCKADDR_BYTES);
  if (bound < 0) {
    libc.close(fd);
    throw syscallError("bind(AF_NETLINK)", bound, "the kernel gives no routing socket");
  }
  return fd;
}

/** See the file's head. */
export class Netlink {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #request: DataView;
  readonly #requestAddress: number;
  readonly #answer: DataView;
  readonly #answerAddress: number;
  #sequence = 0;

  /** @throws UvsError SYSCALL */
  constructor(libc: Libc) {
    const [request, answer] = [libc.allocate(REQUEST_BYTES), libc.allocate(ANSWER_BYTES)];
    this.#libc = libc;
    this.#request = new DataView(request.buffer);
    this.#requestAddress = request.address;
    this.#answer = new DataView(answer.buffer);
    this.#answerAddress = answer.address;
    this.#fd = openNetlink(libc);
    // Dumps are of what was asked for, not of everything. Kernels before 4.20 do not know it, and readers look twice.
    libc.setIntOption(this.#fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  }

  /**
   * Sends a request and reads its whole answer.
   * @param fixed what follows the header
   * @param onMessage called for each message of the answer, which is valid during the call only
   * @returns 0, or the negated errno that the kernel answered
   */
  ask(
    type: number,
    flags: number,
    fixed: Uint8Array,
    attributes: readonly NetlinkAttribute[],
    onMessage: (message: NetlinkMessage) => void = () => {},
  ): number {
    const length = this.#encode(type, flags, fixed, attributes);
    const sent = this.#libc.send(this.#fd, this.#requestAddress, length, 0);
    if (sent < 0) return sent;
    for (;;) {
      const bytes = this.#libc.recv(this.#fd, this.#answerAddress, ANSWER_BYTES, MSG_DONTWAIT);
      if (bytes === -EINTR) continue;
      if (bytes < 0) return bytes;
      const result = this.#read(bytes, (flags & NLM_F_DUMP) !== 0, onMessage);
      if (result !== undefined) return result;
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #encode(type: number, flags: number, fixed: Uint8Array, attributes: readonly NetlinkAttribute[]): number {
    const request = this.#request;
    const bytes = new Uint8Array(request.buffer);
    bytes.fill(0);
    bytes.set(fixed, HEADER_BYTES);
    let at = HEADER_BYTES + padded(fixed.length);
    for (const { type: kind, value } of attributes) {
      request.setUint16(at, ATTRIBUTE_HEADER_BYTES + value.length, true);
      request.setUint16(at + 2, kind, true);
      bytes.set(value, at + ATTRIBUTE_HEADER_BYTES);
      at += ATTRIBUTE_HEADER_BYTES + padded(value.length);
    }
    request.setUint32(0, at, true);
    request.setUint16(4, type, true);
    request.setUint16(6, flags | NLM_F_REQUEST, true);
    request.setUint32(8, ++this.#sequence, true);
    return at;
  }

  /** @returns undefined: more follows */
  #read(bytes: number, isDump: boolean, onMessage: (message: NetlinkMessage) => void): number | undefined {
    const view = this.#answer;
    for (let at = 0; at + HEADER_BYTES <= bytes; ) {
      const length = view.getUint32(at, true);
      if (length < HEADER_BYTES || at + length > bytes) return -EPROTO;
      const type = view.getUint16(at + 4, true);
      // Of an earlier request that was not read to its end.
      const isOurs = view.getUint32(at + 8, true) === this.#sequence;
      if (isOurs && (type === NLMSG_ERROR || type === NLMSG_DONE)) {
        return length >= HEADER_BYTES + 4 ? view.getInt32(at + HEADER_BYTES, true) : 0;
      }
      if (isOurs) {
        onMessage({ type, view, at: at + HEADER_BYTES, end: at + length });
        if (!isDump) return 0;
      }
      at += padded(length);
    }
    return undefined;
  }
}

/** The value of an attribute. @param fixedBytes length of the message's fixed part. @returns undefined where it has none such */
export function netlinkAttribute(
  { view, at, end }: NetlinkMessage,
  fixedBytes: number,
  wanted: number,
): DataView | undefined {
  for (let here = at + padded(fixedBytes); here + ATTRIBUTE_HEADER_BYTES <= end; ) {
    const length = view.getUint16(here, true);
    if (length < ATTRIBUTE_HEADER_BYTES || here + length > end) return undefined;
    if (view.getUint16(here + 2, true) === wanted) {
      return new DataView(view.buffer, here + ATTRIBUTE_HEADER_BYTES, length - ATTRIBUTE_HEADER_BYTES);
    }
    here += padded(length);
  }
  return undefined;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
