/**
 * The native data plane of one thread: an epoll loop that accepts, connects and carries bytes with system calls made
 * straight from here (libc.ts). `run` blocks the thread until `stop`; it never returns to Node's event loop meanwhile,
 * which is why it does not log: it counts, writes records and notifies.
 *
 *   Poller ── listening socket ─→ Acceptor ─→ HeaderReader ─→ Connector ─→ dispatcher
 *      ├───── end of a connection ─→ Traffic ─→ HeaderReader or Connector (first), Relay (then) ─→ Closer
 *      ├───── UDP socket, UDP flow ─→ Datagrams
 *      └───── eventfd ─→ commands
 *   Timers end what takes too long.
 */

import type { ConnectionFilter, PlaneCommand, PlaneOptions } from "../dataplane.js";
import { PlaneEventIndex } from "../events.js";
import { Setting } from "../memory.js";
import { EndReason } from "../records.js";
import { Acceptor } from "./acceptor.js";
import { Buffers } from "./buffers.js";
import { FOREVER_MS, LoopClock } from "./clock.js";
import { Closer } from "./closer.js";
import { Connections, State } from "./connections.js";
import { Connector } from "./connector.js";
import { HeaderReader } from "./header-reader.js";
import { HeldAcks } from "./held-acks.js";
import type { Libc } from "./libc.js";
import { Packets } from "./packets.js";
import { Pipes, pipesPerThread } from "./pipes.js";
import { DATAGRAMS, FLOW, LISTENER, Poller, WAKEUP } from "./poller.js";
import { Relay } from "./relay.js";
import { Reserve } from "./reserve.js";
import { listRows, select } from "./selection.js";
import { Tally } from "./tally.js";
import { Timers } from "./timers.js";
import { Traffic } from "./traffic.js";
import { Trouble } from "./trouble.js";
import { Datagrams } from "./udp.js";
import { Bell } from "./wakeup.js";

/** Bounds of what a thread holds for connections whose other side does not read. */
export interface NativeLimits {
  /** Buffers of 64 KiB. 0 to 65535. @default 256 */
  readonly buffers: number;
  /** Pipes of 1 MiB, two descriptors each. 0 to 65535. @default 128, or what few descriptors allow */
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
/** UDP flows of a thread at most. */
const MAX_FLOWS = 1 << 20;
/** Looks at the clock at least this often while accepting is paused, ms. */
const PAUSED_MS = 100;

/** See the file's head. */
export class NativePlane {
  readonly #options: NativePlaneOptions;
  readonly #clock: LoopClock;
  readonly #connections: Connections;
  readonly #tally: Tally;
  readonly #pipes: Pipes;
  readonly #poller: Poller;
  readonly #reserve: Reserve;
  readonly #closer: Closer;
  readonly #connector: Connector;
  readonly #headers: HeaderReader;
  readonly #acceptor: Acceptor;
  readonly #traffic: Traffic;
  readonly #timers: Timers;
  readonly #datagrams: Datagrams;
  readonly #packets: Packets;
  readonly #acks: HeldAcks;
  readonly #bell: Bell;
  #draining = false;
  #stopped = false;

  /** @throws UvsError SYSCALL where no epoll instance can be made */
  constructor(options: NativePlaneOptions) {
    const { libc, memory, thread } = options;
    const descriptors = libc.descriptorLimit();
    const limits = options.limits ?? { buffers: 256, pipes: pipesPerThread(descriptors, memory.threads) };
    const flows = Math.ceil(memory.settings[Setting.MAX_FLOWS] / memory.threads);
    const capacity = Math.min(MAX_CAPACITY, Math.max(1, Math.floor(descriptors / 2)));
    this.#options = options;
    this.#clock = new LoopClock(libc);
    this.#connections = new Connections(capacity);
    this.#tally = new Tally(memory, thread);
    this.#pipes = new Pipes(libc, limits.pipes);
    this.#poller = new Poller(libc);
    this.#reserve = new Reserve(libc);
    this.#bell = new Bell(libc);
    this.#acks = new HeldAcks({
      ...options,
      clock: this.#clock,
      connections: this.#connections,
      onHeaderDue: (slot) => this.#traffic.begin(slot),
    });
    const base = {
      ...options,
      clock: this.#clock,
      connections: this.#connections,
      acks: this.#acks,
      tally: this.#tally,
      buffers: new Buffers(libc, limits.buffers),
      pipes: this.#pipes,
      poller: this.#poller,
      reserve: this.#reserve,
      trouble: new Trouble(thread, this.#clock, options.notify),
    };
    this.#packets = new Packets(base);
    this.#closer = new Closer({ ...base, packets: this.#packets });
    this.#connector = new Connector({ ...base, closer: this.#closer });
    const decided = { ...base, closer: this.#closer, connector: this.#connector };
    this.#headers = new HeaderReader(decided);
    const all = { ...decided, headers: this.#headers };
    this.#acceptor = new Acceptor(all);
    this.#traffic = new Traffic({ ...all, relay: new Relay(base) });
    this.#timers = new Timers(all);
    this.#datagrams = new Datagrams({ ...base, capacity: Math.min(MAX_FLOWS, Math.max(1, flows)) });
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
      if (this.#traffic.hasReady) this.#traffic.serveReady();
      this.#acks.releaseDue();
      this.#timers.sweepIfDue();
      this.#datagrams.endTurn();
      this.#packets.sampleIfDue();
      if (this.#acceptor.paused) this.#acceptor.tryResume();
      if (this.#draining) this.#sayWhenDrained();
    }
    this.#pipes.close();
    this.#reserve.close();
    this.#poller.close();
    notify({ event: "stopped", thread });
  }

  #timeoutMs(): number {
    if (this.#traffic.hasReady) return 0;
    return Math.min(
      this.#timers.untilSweepMs,
      this.#datagrams.untilSweepMs,
      this.#acks.untilDueMs(FOREVER_MS),
      this.#acceptor.paused ? PAUSED_MS : FOREVER_MS,
    );
  }

  #handleEvents(count: number): void {
    const { events } = this.#poller;
    const { generation } = this.#connections;
    for (let i = 0; i < count; i++) {
      const subject = events.subject(i);
      if (subject < FLOW) {
        // A descriptor closed and reused within this batch: the event is its former owner's.
        if (events.generation(i) === generation[subject]) this.#traffic.handle(subject, events.events(i));
      } else if (subject < LISTENER) {
        this.#datagrams.handle(subject - FLOW, events.generation(i));
      } else if (subject === WAKEUP) {
        this.#obey();
      } else if (subject >= DATAGRAMS) {
        this.#datagrams.receive(subject - DATAGRAMS);
      } else {
        this.#acceptor.accept(subject - LISTENER);
      }
    }
  }

  #obey(): void {
    this.#bell.silence(this.#options.wakeFd);
    for (let command = this.#options.nextCommand(); command; command = this.#options.nextCommand()) {
      this.#execute(command);
    }
  }

  #execute(command: PlaneCommand): void {
    const { libc, memory, notify, thread } = this.#options;
    switch (command.op) {
      case "listen":
        if (this.#stopped || this.#draining) libc.close(command.listener.fd);
        else if (command.listener.transport === "udp") this.#datagrams.add(command.listener);
        else this.#acceptor.add(command.listener);
        break;
      case "unlisten":
        this.#acceptor.remove(command.listener);
        this.#datagrams.remove(command.listener);
        break;
      case "drain":
        this.#acceptor.remove();
        this.#datagrams.drain();
        this.#draining = true;
        break;
      case "kill": {
        const count = this.#kill(command) + this.#datagrams.kill(command);
        if (command.ticket !== undefined) notify({ event: "killed", thread, ticket: command.ticket, count });
        break;
      }
      case "list": {
        const slots = command.isOfFlows ? [] : select(this.#connections, command);
        const rows = listRows(this.#connections, slots, memory.settings, this.#clock.nowMs);
        const flows = this.#datagrams.rows(command);
        notify({ event: "listed", thread, ticket: command.ticket, rows: joined(rows, flows) });
        break;
      }
      case "stop":
        this.#acceptor.close();
        this.#kill({});
        this.#datagrams.close();
        this.#stopped = true;
        break;
    }
  }

  /** @returns how many there were */
  #kill(filter: ConnectionFilter): number {
    const slots = select(this.#connections, filter);
    for (const slot of slots) {
      this.#tally.event(PlaneEventIndex.killed);
      if (this.#connections.state[slot] === State.CONNECTING) {
        this.#connector.abandon(slot, EndReason.killed);
      } else if (this.#connections.state[slot] === State.OPENING) {
        this.#headers.abandon(slot, EndReason.killed);
      } else {
        this.#closer.reset(slot, EndReason.killed);
      }
    }
    return slots.length;
  }

  #sayWhenDrained(): void {
    if (this.#connections.count > 0 || !this.#acceptor.isEmpty || !this.#datagrams.isEmpty) return;
    this.#draining = false;
    this.#options.notify({ event: "drained", thread: this.#options.thread });
  }
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
