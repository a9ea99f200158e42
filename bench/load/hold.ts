/** Clients that take: connections that are opened and kept, whose clients say nothing, or ask and read very slowly. */
import { EAGAIN, EPOLLET, EPOLLIN, EPOLLOUT, MSG_NOSIGNAL } from "../../src/dataplane/native/linux.js";
import type { Address } from "../system/loopback.js";
import { ClientSockets } from "./client-sockets.js";

/** What is held. */
export interface HoldJob {
  readonly entry: Address;
  /** What each connection sends once; empty for nothing, ever. */
  readonly request: string;
  readonly sources: number;
  /** SO_RCVBUF; @default what the kernel gives */
  readonly receiveBytes?: number;
}

/** A question: open so many more, or read so much of each. */
export type HoldStep = { readonly open: number } | { readonly readBytes: number };

const OPEN_MS = 20_000;

/** Connections that are kept until the process ends. */
export class Hold {
  readonly #sockets: ClientSockets;
  readonly #request: { readonly address: number; readonly buffer: ArrayBuffer };
  readonly #held: number[] = [];

  constructor(job: HoldJob) {
    this.#sockets = new ClientSockets(job.entry, job);
    this.#request = this.#sockets.message(job.request);
  }

  /** @returns connections that are open, or connections that something was read from. @throws Error where one does not open or ends */
  step(step: HoldStep): number {
    return "open" in step ? this.#open(step.open) : this.#read(step.readBytes);
  }

  #open(count: number): number {
    const { clock } = this.#sockets;
    clock.tick();
    const giveUpMs = clock.nowMs + OPEN_MS;
    const opening = new Set<number>();
    for (let i = 0; i < count; i++) opening.add(this.#sockets.open(EPOLLIN | EPOLLOUT | EPOLLET));
    while (opening.size > 0) {
      const ready = this.#sockets.wait(giveUpMs - clock.nowMs);
      if (clock.nowMs > giveUpMs) throw new Error(`${opening.size} of ${count} connections did not open`);
      for (let event = 0; event < ready; event++) {
        const fd = this.#sockets.ready(event);
        if (!opening.delete(fd)) continue;
        this.#ask(fd);
        this.#held.push(fd);
      }
    }
    return this.#held.length;
  }

  #ask(fd: number): void {
    const bytes = this.#request.buffer.byteLength;
    const n = this.#sockets.libc.send(fd, this.#request.address, bytes, MSG_NOSIGNAL);
    if (n !== bytes) throw new Error(`send: errno ${-n}`); // of nothing, too: it tells a refusal
  }

  #read(bytes: number): number {
    let count = 0;
    for (const fd of this.#held) {
      const n = this.#sockets.receive(fd, bytes);
      if (n === -EAGAIN) continue;
      if (n <= 0) throw new Error(n === 0 ? "a connection was closed" : `recv: errno ${-n}`);
      count++;
    }
    return count;
  }
}
