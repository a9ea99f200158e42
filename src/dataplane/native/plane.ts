/**
 * The native data plane of one thread: an epoll loop that accepts, connects and carries bytes with system calls made
 * straight from here (libc.ts). `run` blocks the thread until `stop`; it never returns to Node's event loop meanwhile,
 * which is why it does not log: it counts, writes records and notifies.
 *
 *   Poller ── listening socket ─→ Acceptor ─→ Connector ─→ dispatcher
 *      ├───── end of a connection ─→ Connector (while connecting), Relay (then) ─→ Closer
 *      └───── eventfd ─→ commands
 *   Timers end what takes too long; ReadyQueue holds those that have more to carry than one turn allows.
 */

import type { PlaneCommand, PlaneOptions } from "../dataplane.js";
import { PlaneEventIndex } from "../events.js";
import { EndReason } from "../records.js";
import { Acceptor } from "./acceptor.js";
import { Buffers } from "./buffers.js";
import { LoopClock } from "./clock.js";
import { Closer } from "./closer.js";
import { Connections, EndFlag, State } from "./connections.js";
import { Connector } from "./connector.js";
import type { Libc } from "./libc.js";
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  SHUT_WR,
  SO_OOBINLINE,
  SOL_SOCKET,
} from "./linux.js";
import { Pipes } from "./pipes.js";
import { LISTENER, Poller, WAKEUP } from "./poller.js";
import { ReadyQueue } from "./ready-queue.js";
import { Relay, Stop } from "./relay.js";
import { Reserve } from "./reserve.js";
import { Tally } from "./tally.js";
import { Timers } from "./timers.js";
import { Trouble } from "./trouble.js";
import { Bell } from "./wakeup.js";

/** Bounds of what a thread holds for connections whose other side does not read. */
export interface NativeLimits {
  /** Buffers of 64 KiB. 0 to 65535. @default 256 */
  readonly buffers: number;
  /** Pipes of 1 MiB, two descriptors each. 0 to 65535. @default 128 */
  readonly pipes: number;
}

/** What a native plane is constructed with. */
export interface NativePlaneOptions extends PlaneOptions {
  readonly libc: Libc;
  /** An eventfd that is rung after commands were queued; it stays the caller's. */
  readonly wakeFd: number;
  /** The next command that waits, or undefined. */
  readonly nextCommand: () => PlaneCommand | undefined;
  readonly limits?: NativeLimits;
}

/** Connections of a thread at most, however many descriptors are allowed. */
const MAX_CAPACITY = 1 << 19;
/** Looks at the clock at least this often while accepting is paused, ms. */
const PAUSED_MS = 100;

const { READABLE, EAGER, EOF, SHUT, BLOCKED, BULK, URGENT } = EndFlag;
const BROKEN_EVENTS = EPOLLERR | EPOLLHUP;

/** See the file's head. */
export class NativePlane {
  readonly #libc: Libc;
  readonly #options: NativePlaneOptions;
  readonly #clock = new LoopClock();
  readonly #connections: Connections;
  readonly #tally: Tally;
  readonly #pipes: Pipes;
  readonly #poller: Poller;
  readonly #reserve: Reserve;
  readonly #closer: Closer;
  readonly #connector: Connector;
  readonly #acceptor: Acceptor;
  readonly #relay: Relay;
  readonly #timers: Timers;
  readonly #ready: ReadyQueue;
  readonly #bell: Bell;
  #draining = false;
  #stopped = false;

  /** @throws UvsError SYSCALL where no epoll instance can be made */
  constructor(options: NativePlaneOptions) {
    const { libc, memory, thread } = options;
    const limits = options.limits ?? { buffers: 256, pipes: 128 };
    const capacity = Math.min(MAX_CAPACITY, Math.max(1, Math.floor(libc.descriptorLimit() / 2)));
    this.#libc = libc;
    this.#options = options;
    this.#connections = new Connections(capacity);
    this.#tally = new Tally(memory, thread);
    this.#pipes = new Pipes(libc, limits.pipes);
    this.#poller = new Poller(libc);
    this.#reserve = new Reserve(libc);
    this.#bell = new Bell(libc);
    const base = {
      ...options,
      clock: this.#clock,
      connections: this.#connections,
      tally: this.#tally,
      buffers: new Buffers(libc, limits.buffers),
      pipes: this.#pipes,
      poller: this.#poller,
      reserve: this.#reserve,
      trouble: new Trouble(thread, this.#clock, options.notify),
    };
    this.#relay = new Relay(base);
    this.#closer = new Closer(base);
    this.#connector = new Connector({ ...base, closer: this.#closer });
    this.#acceptor = new Acceptor({ ...base, closer: this.#closer, connector: this.#connector });
    this.#timers = new Timers({ ...base, closer: this.#closer, connector: this.#connector });
    this.#ready = new ReadyQueue(this.#connections);
    this.#poller.addReadable(options.wakeFd, WAKEUP);
  }

  /** Serves until `stop` is commanded; blocks the calling thread. No descriptor of the plane is left open then. */
  run(): void {
    const { notify, thread } = this.#options;
    notify({ event: "ready", thread });
    while (!this.#stopped) {
      const count = this.#poller.wait(this.#timeoutMs());
      this.#clock.tick();
      this.#handleEvents(count);
      if (this.#ready.length > 0) this.#serveReady();
      this.#timers.sweepIfDue();
      if (this.#acceptor.paused) this.#acceptor.tryResume();
      if (this.#draining) this.#sayWhenDrained();
    }
    this.#pipes.close();
    this.#reserve.spend();
    this.#poller.close();
    notify({ event: "stopped", thread });
  }

  #timeoutMs(): number {
    if (this.#ready.length > 0) return 0;
    const untilMs = Math.min(
      this.#timers.untilSweepMs,
      this.#acceptor.paused ? PAUSED_MS : Number.POSITIVE_INFINITY,
    );
    return untilMs === Number.POSITIVE_INFINITY ? -1 : Math.ceil(untilMs);
  }

  #handleEvents(count: number): void {
    const { events } = this.#poller;
    const { generation } = this.#connections;
    for (let i = 0; i < count; i++) {
      const subject = events.subject(i);
      if (subject < LISTENER) {
        // A descriptor closed and reused within this batch: the event is its former owner's.
        if (events.generation(i) === generation[subject]) this.#handleEnd(subject, events.events(i));
      } else if (subject === WAKEUP) {
        this.#obey();
      } else {
        this.#acceptor.accept(subject - LISTENER);
      }
    }
  }

  #handleEnd(end: number, events: number): void {
    const { flags, state } = this.#connections;
    if ((events & EPOLLPRI) !== 0) this.#heedUrgent(end);
    let f = flags[end];
    if ((events & EPOLLIN) !== 0) f |= READABLE;
    if ((events & EPOLLRDHUP) !== 0) f |= READABLE | EAGER;
    flags[end] = f;
    const slot = end >> 1;
    if (state[slot] === State.CONNECTING) {
      this.#handleConnecting(slot, end, events);
      return;
    }
    if ((events & EPOLLERR) !== 0) {
      this.#breakOff(end);
      return;
    }
    if ((events & EPOLLHUP) !== 0) f |= READABLE | EAGER;
    const unblocked = (events & EPOLLOUT) !== 0 && (f & BLOCKED) !== 0;
    if (unblocked) f &= ~BLOCKED;
    flags[end] = f;
    if (unblocked && !this.#carry(end ^ 1)) return;
    if ((f & READABLE) !== 0) this.#carry(end);
  }

  #handleConnecting(slot: number, end: number, events: number): void {
    const { flags } = this.#connections;
    const broken = (events & BROKEN_EVENTS) !== 0;
    if ((end & 1) === 0) {
      if (broken) this.#connector.abandon(slot, EndReason.clientGone);
    } else if (broken) {
      this.#connector.refused(slot);
    } else if ((events & EPOLLOUT) !== 0) {
      this.#connector.connected(slot);
      const client = end ^ 1;
      if ((flags[client] & READABLE) !== 0 && !this.#carry(client)) return;
      if ((flags[end] & READABLE) !== 0) this.#carry(end);
    }
  }

  /** Carries what `end` has sent, and acts on how that stops. @returns whether the connection is still there */
  #carry(end: number): boolean {
    switch (this.#relay.carry(end)) {
      case Stop.WAIT:
        return true;
      case Stop.TURN_OVER:
        this.#ready.push(end);
        return true;
      case Stop.FINISHED:
        return this.#passFin(end);
      case Stop.BROKEN:
        this.#abort(end);
        return false;
      default:
        this.#breakOff(end ^ 1);
        return false;
    }
  }

  /** `end` has finished and all of it is written: its FIN goes to the other end. */
  #passFin(end: number): boolean {
    const { fd, flags, firstFin, active, service, server, lastMs } = this.#connections;
    const peer = end ^ 1;
    const slot = end >> 1;
    if ((flags[peer] & SHUT) !== 0) return true;
    flags[peer] |= SHUT;
    if (firstFin[slot] !== 0) {
      // Closing sends the second FIN: no shutdown before it.
      this.#closer.finish(slot, firstFin[slot] === 1 ? EndReason.client : EndReason.realserver);
      return false;
    }
    this.#libc.shutdown(fd[peer], SHUT_WR);
    firstFin[slot] = (end & 1) + 1;
    lastMs[slot] = this.#clock.nowMs;
    if (active[slot] === 1) {
      active[slot] = 0;
      this.#options.dispatcher.halfClosed(service[slot], server[slot]);
    }
    return true;
  }

  /** `end` is broken: what it sent before that is passed on as far as the other end takes it, then the reset. */
  #breakOff(end: number): void {
    const { flags } = this.#connections;
    if ((flags[end] & EOF) === 0) {
      flags[end] = (flags[end] | READABLE | EAGER) & ~BULK;
      while (this.#relay.carry(end) === Stop.TURN_OVER);
    }
    this.#abort(end);
  }

  /** Resets the other end, because `end` is gone. */
  #abort(end: number): void {
    const byClient = (end & 1) === 0;
    this.#tally.event(byClient ? PlaneEventIndex.clientReset : PlaneEventIndex.realserverReset);
    this.#closer.reset(end >> 1, byClient ? EndReason.clientReset : EndReason.realserverReset);
  }

  /** Urgent data stays in the stream, where it was sent; splice stops at its mark, so the direction is copied. */
  #heedUrgent(end: number): void {
    const { fd, flags } = this.#connections;
    if ((flags[end] & URGENT) === 0) this.#libc.setIntOption(fd[end], SOL_SOCKET, SO_OOBINLINE, 1);
    flags[end] = (flags[end] | READABLE | EAGER | URGENT) & ~BULK;
  }

  #serveReady(): void {
    const { state } = this.#connections;
    for (let left = this.#ready.length; left > 0; left--) {
      const end = this.#ready.shift();
      if (state[end >> 1] === State.RELAYING) this.#carry(end);
    }
  }

  #obey(): void {
    this.#bell.silence(this.#options.wakeFd);
    for (let command = this.#options.nextCommand(); command; command = this.#options.nextCommand()) {
      this.#execute(command);
    }
  }

  #execute(command: PlaneCommand): void {
    switch (command.op) {
      case "listen":
        this.#acceptor.add(command.listener);
        break;
      case "unlisten":
        this.#acceptor.remove(command.listener);
        break;
      case "drain":
        this.#acceptor.remove();
        this.#draining = true;
        break;
      case "kill":
        this.#kill(command.service, command.server);
        break;
      case "stop":
        this.#acceptor.close();
        this.#kill(undefined, undefined);
        this.#stopped = true;
        break;
    }
  }

  /** Resets the connections of a service, of a realserver, of that pair, or all. */
  #kill(service: number | undefined, server: number | undefined): void {
    const c = this.#connections;
    for (let slot = 0; slot < c.high; slot++) {
      if (c.state[slot] === State.FREE) continue;
      if (service !== undefined && c.service[slot] !== service) continue;
      if (server !== undefined && c.server[slot] !== server) continue;
      this.#tally.event(PlaneEventIndex.killed);
      if (c.state[slot] === State.CONNECTING) this.#connector.abandon(slot, EndReason.killed);
      else this.#closer.reset(slot, EndReason.killed);
    }
  }

  #sayWhenDrained(): void {
    if (this.#connections.count > 0 || !this.#acceptor.isEmpty) return;
    this.#draining = false;
    this.#options.notify({ event: "drained", thread: this.#options.thread });
  }
}
