import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createPlaneMemory, type PlaneMemory } from "../../../../src/dataplane/memory.js";
import { Connections, State } from "../../../../src/dataplane/native/connections.js";
import { type Libc, loadLibc } from "../../../../src/dataplane/native/libc.js";
import { PACKET_SAMPLES, Packets } from "../../../../src/dataplane/native/packets.js";

/** Connections over descriptors whose packets a test sets, and what is counted of them: all at realserver 0. */
class Bench {
  readonly memory: PlaneMemory = createPlaneMemory(1, 1);
  readonly connections: Connections;
  readonly clock = { nowMs: 0 };
  readonly packets: Packets;
  /** By descriptor: packets received and sent. */
  readonly kernel = new Map<number, readonly [number, number]>();

  constructor(capacity: number) {
    this.connections = new Connections(capacity);
    const info = new Uint32Array(144 / 4);
    const libc: Libc = {
      ...loadLibc(),
      allocate: (bytes) => ({ buffer: bytes === 144 ? info.buffer : new ArrayBuffer(bytes), address: 0 }),
      getsockopt: (fd) => {
        const [received, sent] = this.kernel.get(fd)!;
        info[140 / 4] = received;
        info[136 / 4] = sent;
        return 0;
      },
    };
    const { memory, connections, clock } = this;
    this.packets = new Packets({ libc, connections, memory, thread: 0, clock });
  }

  /** A connection that is being carried. */
  open(fd: number): number {
    const slot = this.connections.open(fd, this.clock);
    this.connections.state[slot] = State.RELAYING;
    this.connections.server[slot] = 0;
    this.connections.connectedMs[slot] = this.clock.nowMs;
    this.connections.lastMs[slot] = this.clock.nowMs;
    return slot;
  }

  get counted(): readonly number[] {
    return [this.memory.inPackets[0], this.memory.outPackets[0]];
  }

  sampleAt(nowMs: number): void {
    this.clock.nowMs = nowMs;
    this.packets.sampleIfDue();
  }
}

describe("packets of connections", () => {
  test("are counted once, however often a connection is looked at", () => {
    const bench = new Bench(1);
    const slot = bench.open(7);
    bench.kernel.set(7, [3, 2]);
    bench.packets.count(slot);
    bench.packets.count(slot);
    bench.kernel.set(7, [10, 8]);
    bench.packets.count(slot);
    assert.deepEqual(bench.counted, [10, 8]);
  });

  test("are counted on where the kernel's counters wrap", () => {
    const bench = new Bench(1);
    const slot = bench.open(7);
    bench.kernel.set(7, [0xffff_fffe, 5]);
    bench.packets.count(slot);
    bench.kernel.set(7, [3, 5]);
    bench.packets.count(slot);
    assert.deepEqual(bench.counted, [0xffff_fffe + 5, 5]);
  });

  test("of the connection that had a slot before are not taken off", () => {
    const bench = new Bench(1);
    bench.kernel.set(7, [30, 20]);
    const slot = bench.open(7);
    bench.packets.count(slot);
    bench.connections.release(slot);
    bench.kernel.set(8, [4, 1]);
    bench.packets.count(bench.open(8));
    assert.deepEqual(bench.counted, [34, 21]);
  });

  test("are not counted before a realserver is reached", () => {
    const bench = new Bench(1);
    const slot = bench.open(7);
    bench.connections.connectedMs[slot] = -1;
    bench.packets.count(slot);
    assert.deepEqual(bench.counted, [0, 0]);
  });

  test("are sampled once a second, of those connections that have moved bytes", () => {
    const bench = new Bench(2);
    const busy = bench.open(7);
    bench.open(8);
    bench.kernel.set(7, [2, 2]);
    bench.kernel.set(8, [2, 2]);
    bench.sampleAt(1000);
    assert.deepEqual(bench.counted, [4, 4]);
    bench.kernel.set(7, [5, 5]);
    bench.kernel.set(8, [100, 100]);
    bench.connections.lastMs[busy] = 1500;
    bench.sampleAt(1999);
    assert.deepEqual(bench.counted, [4, 4]);
    bench.sampleAt(2000);
    assert.deepEqual(bench.counted, [7, 7]);
  });

  test("of more connections than a second's work are sampled in turn", () => {
    const bench = new Bench(PACKET_SAMPLES + 10);
    for (let fd = 0; fd < PACKET_SAMPLES + 10; fd++) {
      bench.kernel.set(fd, [1, 1]);
      bench.open(fd);
    }
    bench.sampleAt(1000);
    assert.equal(bench.counted[0], PACKET_SAMPLES);
    bench.sampleAt(2000);
    assert.equal(bench.counted[0], PACKET_SAMPLES + 10);
  });
});
