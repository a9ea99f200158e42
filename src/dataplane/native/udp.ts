/**
 * The UDP services of one thread. Each has one SO_REUSEPORT socket a thread, which the kernel spreads clients over by both
 * addresses and ports: all that a client sends to a VIP comes to one thread, so that no flow is in two.
 *
 *   DatagramListeners ─→ Receiver ─→ FlowOpener (first datagram) ─→ dispatcher
 *   Flows' sockets ────→ Answers
 *   FlowTimes, commands ─→ FlowEnding
 */
import type { ConnectionFilter, ListenerSpec, PlaneOptions } from "../dataplane.js";
import { PlaneEventIndex } from "../events.js";
import { EndReason } from "../records.js";
import type { LoopClock } from "./clock.js";
import type { Libc } from "./libc.js";
import type { Poller } from "./poller.js";
import type { Tally } from "./tally.js";
import type { Trouble } from "./trouble.js";
import { Answers } from "./udp-answers.js";
import { FlowEnding } from "./udp-ending.js";
import { Flows } from "./udp-flows.js";
import { DatagramListeners } from "./udp-listeners.js";
import { FlowOpener } from "./udp-opener.js";
import { Receiver } from "./udp-receiver.js";
import { ReplySockets } from "./udp-replies.js";
import { flowRows, selectFlows } from "./udp-selection.js";
import { FlowTimes } from "./udp-times.js";

/** What they are constructed with. */
export interface DatagramsParts extends PlaneOptions {
  readonly libc: Libc;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly poller: Poller;
  readonly trouble: Trouble;
  /** Flows at once. */
  readonly capacity: number;
}

/** See the file's head. */
export class Datagrams {
  readonly #parts: DatagramsParts;
  readonly #flows: Flows;
  readonly #ending: FlowEnding;
  readonly #times: FlowTimes;
  readonly #listeners: DatagramListeners;
  readonly #receiver: Receiver;
  readonly #answers: Answers;

  constructor(parts: DatagramsParts) {
    this.#parts = parts;
    this.#flows = new Flows(parts.libc, parts.capacity);
    const base = { ...parts, flows: this.#flows, replies: new ReplySockets(parts.libc) };
    this.#ending = new FlowEnding(base);
    this.#times = new FlowTimes({ ...base, ending: this.#ending });
    const all = { ...base, ending: this.#ending, times: this.#times };
    this.#listeners = new DatagramListeners(parts.libc, parts.poller, parts.trouble);
    this.#receiver = new Receiver({ ...all, opener: new FlowOpener(all) });
    this.#answers = new Answers(all);
  }

  /** No flow is left. */
  get isEmpty(): boolean {
    return this.#flows.count === 0;
  }

  /** See FlowTimes. Hot path. */
  get untilSweepMs(): number {
    return this.#times.untilSweepMs;
  }

  add(spec: ListenerSpec): void {
    this.#listeners.add(spec);
  }

  /** Passes on what waits in a socket, then ends its flows and closes it: their clients have nowhere to send to. */
  remove(id: number): void {
    const { notify, thread } = this.#parts;
    for (const listener of this.#listeners.named(id)) {
      if (!listener.isRetired) this.#receiver.receiveLast(listener);
      this.#end(
        selectFlows(this.#flows, {}).filter((slot) => this.#flows.listener[slot] === listener.index),
        EndReason.killed,
      );
      this.#listeners.close(listener);
      notify({ event: "unlistened", thread, listener: id });
    }
  }

  /** Reads no socket any longer. Answers that are under way still go out. */
  drain(): void {
    for (const listener of this.#listeners.named()) this.#listeners.retire(listener);
    this.#times.drain();
  }

  /** An event of a flow's socket. Hot path. */
  handle(slot: number, generation: number): void {
    if (this.#flows.generation[slot] === generation) this.#answers.take(slot);
  }

  /** Datagrams wait in a socket. Hot path. */
  receive(index: number): void {
    const listener = this.#listeners.at(index);
    if (listener === undefined || listener.isRetired) return;
    this.#answers.flush();
    this.#receiver.receive(listener);
  }

  /** All events of a turn are handled. Hot path. */
  endTurn(): void {
    this.#answers.flush();
    this.#times.sweepIfDue();
  }

  /** Ends the flows that the filter names. @returns how many there were */
  kill(filter: ConnectionFilter): number {
    const slots = selectFlows(this.#flows, filter);
    for (let i = 0; i < slots.length; i++) this.#parts.tally.event(PlaneEventIndex.killed);
    this.#end(slots, EndReason.killed);
    return slots.length;
  }

  /** Rows of connection-rows.ts of the flows that the filter names. */
  rows(filter: ConnectionFilter): Float64Array {
    return flowRows(this.#flows, selectFlows(this.#flows, filter), this.#times, this.#parts.clock.nowMs);
  }

  /** Ends everything. */
  close(): void {
    this.kill({});
    for (const listener of this.#listeners.named()) this.#listeners.close(listener);
  }

  #end(slots: readonly number[], reason: number): void {
    this.#answers.flush();
    for (const slot of slots) this.#ending.end(slot, reason);
  }
}
