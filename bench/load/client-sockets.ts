/**
 * Non-blocking TCP clients by system calls: what every program of the load shares. Connections come from many source
 * addresses in turn, since one has some 28,000 ports towards an address; nothing is allocated for a request.
 */
import { writeFileSync } from "node:fs";
import { parseIp } from "../../src/core/address.js";
import { LoopClock } from "../../src/dataplane/native/clock.js";
import { EpollEvents } from "../../src/dataplane/native/epoll-event.js";
import { loadLibc, type NativeMemory } from "../../src/dataplane/native/libc.js";
import {
  AF_INET,
  EINPROGRESS,
  EPOLL_CTL_ADD,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../src/dataplane/native/linux.js";
import { SocketAddress } from "../../src/dataplane/native/sockaddr.js";
import type { Address } from "../system/loopback.js";

const EVENTS = 1024;
const RECEIVED_BYTES = 64 << 10;
/** 127.0.32.1 and on. */
const FIRST_SOURCE = 0x7f002001;
const LONGEST_WAIT_MS = 999;
const MOST_DESCRIPTORS = 1 << 20;

/** How connections are made. */
export interface SocketOptions {
  /** How many source addresses are used in turn. */
  readonly sources: number;
  /** SO_RCVBUF of each; @default what the kernel gives */
  readonly receiveBytes?: number;
}

/** Sockets, and the epoll instance that watches them. Negative results of calls are negated errnos. */
export class ClientSockets {
  readonly libc = loadLibc();
  readonly clock = new LoopClock(this.libc);
  /** What `receive` writes to. */
  readonly received: NativeMemory = this.libc.allocate(RECEIVED_BYTES);
  readonly #epoll = this.libc.epollCreate();
  readonly #events = this.libc.allocate(EpollEvents.bytes(EVENTS));
  readonly #ready = new EpollEvents(this.#events.buffer);
  readonly #registration = this.libc.allocate(EpollEvents.bytes(1));
  readonly #registered = new EpollEvents(this.#registration.buffer);
  readonly #timeout = this.libc.allocate(16);
  readonly #timespec = new Uint32Array(this.#timeout.buffer);
  readonly #source = new SocketAddress(this.libc);
  readonly #sourceWords = new Uint32Array(4);
  readonly #destination = new SocketAddress(this.libc);
  readonly #destinationLength: number;
  readonly #options: SocketOptions;
  #opened = 0;

  constructor(entry: Address, options: SocketOptions) {
    const ip = parseIp(entry.host);
    if (ip === undefined) throw new Error(`"${entry.host}" is no IP address`);
    this.#options = options;
    this.#destinationLength = this.#destination.encode(ip.family, ip.words, entry.port);
    // The kernel lets time-outs of ordinary processes be late by 50 us, to save wake-ups.
    writeFileSync("/proc/self/timerslack_ns", "1");
  }

  /** Length of a column of descriptors. */
  get descriptors(): number {
    return Math.min(this.libc.descriptorLimit(), MOST_DESCRIPTORS);
  }

  /** Begins a connection and watches it for `events`. @returns its descriptor. @throws Error with the errno */
  open(events: number): number {
    const { libc } = this;
    const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new Error(`socket: errno ${-fd}`);
    libc.setIntOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // The port is chosen at connect, so that one port serves connections to several addresses.
    libc.setIntOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const { sources, receiveBytes } = this.#options;
    if (receiveBytes !== undefined) libc.setIntOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBytes);
    this.#sourceWords[0] = FIRST_SOURCE + (this.#opened++ % sources);
    const bound = libc.bind(fd, this.#source.address, this.#source.encode(4, this.#sourceWords, 0));
    if (bound < 0) throw new Error(`bind: errno ${-bound}`);
    const connecting = libc.connect(fd, this.#destination.address, this.#destinationLength);
    if (connecting < 0 && connecting !== -EINPROGRESS) throw new Error(`connect: errno ${-connecting}`);
    this.#registered.set(0, events, fd, 0);
    libc.epollCtl(this.#epoll, EPOLL_CTL_ADD, fd, this.#registration.address);
    return fd;
  }

  /** Waits for events, at most so long. @returns how many there are. Then reads the clock. */
  wait(timeoutMs: number): number {
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, timeoutMs));
    this.#timespec[2] = waitMs * 1e6;
    const count = this.libc.epollWaitPrecisely(
      this.#epoll,
      this.#events.address,
      EVENTS,
      this.#timeout.address,
    );
    this.clock.tick();
    if (count < 0) throw new Error(`epoll_pwait2: errno ${-count}`);
    return count;
  }

  /** Descriptor of an event. */
  ready(index: number): number {
    return this.#ready.subject(index);
  }

  /** Which events came. */
  events(index: number): number {
    return this.#ready.events(index);
  }

  /** Takes what has come, at most `bytes` and 64 KiB. @returns bytes, 0 at the end of input, or a negated errno */
  receive(fd: number, bytes = RECEIVED_BYTES): number {
    return this.libc.recv(fd, this.received.address, Math.min(bytes, RECEIVED_BYTES), 0);
  }

  /** The first `bytes` of what was received. */
  text(bytes: number): string {
    return Buffer.from(this.received.buffer, 0, bytes).toString("latin1");
  }

  /** Memory with a text in it, to be sent again and again. */
  message(text: string): NativeMemory {
    const memory = this.libc.allocate(text.length);
    Buffer.from(memory.buffer).write(text, "latin1");
    return memory;
  }
}
