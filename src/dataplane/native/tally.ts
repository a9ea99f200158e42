/** What a thread counts: events, and the gauges of its connections. Hot path. */
import { PLANE_EVENT_COUNT, PlaneEventIndex } from "../events.js";
import { Gauge, type PlaneMemory, Setting } from "../memory.js";

/** One thread's view of the counters in shared memory. */
export class Tally {
  readonly #memory: PlaneMemory;
  readonly #thread: number;
  readonly #row: number;

  constructor(memory: PlaneMemory, thread: number) {
    this.#memory = memory;
    this.#thread = thread;
    this.#row = thread * PLANE_EVENT_COUNT;
  }

  /** Counts one event. @param index of PlaneEventIndex */
  event(index: number): void {
    this.#memory.events[this.#row + index] += 1;
  }

  /** Counts a connection on before it is there, so that no two threads take the last place. @returns false at the limit */
  reserve(): boolean {
    const { gauges, settings } = this.#memory;
    if (Atomics.add(gauges, Gauge.CONNECTIONS, 1) < settings[Setting.MAX_CONNECTIONS]) return true;
    Atomics.sub(gauges, Gauge.CONNECTIONS, 1);
    return false;
  }

  /** A reserved place was not needed. */
  unreserve(): void {
    Atomics.sub(this.#memory.gauges, Gauge.CONNECTIONS, 1);
  }

  /** Whether there is room again after the limit; a little more than one place where the limit is large. */
  get hasRoom(): boolean {
    const limit = this.#memory.settings[Setting.MAX_CONNECTIONS];
    return Atomics.load(this.#memory.gauges, Gauge.CONNECTIONS) < limit - (limit >> 8);
  }

  /** A reserved place is taken. */
  opened(): void {
    this.#memory.threadConnections[this.#thread]++;
    this.event(PlaneEventIndex.accepted);
  }

  closed(): void {
    Atomics.sub(this.#memory.gauges, Gauge.CONNECTIONS, 1);
    this.#memory.threadConnections[this.#thread]--;
  }
}
