/** Tells an operator what is wrong, at most once a second and kind; the counters have the exact numbers. */
import type { PlaneEvent } from "../dataplane.js";
import type { LoopClock } from "./clock.js";

const INTERVAL_MS = 1000;

/** What can be in trouble. */
export class Trouble {
  readonly #thread: number;
  readonly #clock: LoopClock;
  readonly #notify: (event: PlaneEvent) => void;
  readonly #saidMs = new Map<string, number>();

  constructor(thread: number, clock: LoopClock, notify: (event: PlaneEvent) => void) {
    this.#thread = thread;
    this.#clock = clock;
    this.#notify = notify;
  }

  /** A system call found no descriptor or memory left. */
  starved(call: string, errno: string): void {
    this.#say(
      "ACCEPT_STARVED",
      `${call} failed with ${errno}: the process or the host has no descriptor or memory left; accepting pauses. ` +
        "Raise the limit of open descriptors (ulimit -n) or lower the connection limit",
    );
  }

  /** connect found no free source port. */
  noSourcePort(): void {
    this.#say(
      "NO_SOURCE_PORT",
      "connect failed with EADDRNOTAVAIL: no source port is free towards a realserver; " +
        "give the service more addresses (source), or widen net.ipv4.ip_local_port_range",
    );
  }

  /** A socket could not take the client's address. */
  notTransparent(call: string, errno: string): void {
    this.#say(
      "NOT_TRANSPARENT",
      `${call} failed with ${errno}: a connection could not come from its client's address; ` +
        "it needs the right CAP_NET_ADMIN: run as root, or give it with AmbientCapabilities=CAP_NET_ADMIN",
    );
  }

  /** An address of `source` could not be bound. */
  noSourceAddress(errno: string): void {
    this.#say(
      "NO_SOURCE_ADDRESS",
      `bind failed with ${errno}: an address in source is not one of this host; uvs doctor shows which`,
    );
  }

  /** No socket could be bound to what a diverted datagram was sent to. */
  noReplySocket(errno: string): void {
    this.#say(
      "NO_REPLY_SOCKET",
      `bind of a transparent UDP socket failed with ${errno}: diverted datagrams to that address are not served; ` +
        "another program may have it, or the right CAP_NET_ADMIN is missing",
    );
  }

  /** A listening socket could not be watched. */
  listenFailed(errno: string): void {
    this.#say(
      "LISTEN_FAILED",
      `epoll_ctl of a listening socket failed with ${errno}: its clients are not served; ` +
        "raise fs.epoll.max_user_watches",
    );
  }

  /** accept failed for another reason than those that pass. */
  acceptFailed(errno: string): void {
    this.#say("ACCEPT_FAILED", `accept4 failed with ${errno}; the connection that it concerned is lost`);
  }

  #say(code: string, message: string): void {
    const nowMs = this.#clock.nowMs;
    if (nowMs - (this.#saidMs.get(code) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    this.#saidMs.set(code, nowMs);
    this.#notify({ event: "trouble", thread: this.#thread, code, message });
  }
}
