import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { Buffers } from "../../../../src/dataplane/native/buffers.js";
import { Connections, State } from "../../../../src/dataplane/native/connections.js";
import { type Libc, loadLibc } from "../../../../src/dataplane/native/libc.js";
import { EPERM } from "../../../../src/dataplane/native/linux.js";
import { Pipes } from "../../../../src/dataplane/native/pipes.js";
import { ReadyQueue } from "../../../../src/dataplane/native/ready-queue.js";

const libc = loadLibc();

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

const CLOCK = { nowMs: 0 };

describe("the pool of buffers", () => {
  test("hands out as many as it has, each with its own copy of the rest", () => {
    const memory = new ArrayBuffer(3 * 65536);
    const bytes = new Uint8Array(memory);
    const buffers = new Buffers({ allocate: () => ({ buffer: memory, address: 0x100000 }) }, 2);
    bytes.set([1, 2, 3, 4, 5]);
    const first = buffers.keep(1, 5);
    bytes.set([6, 7, 8]);
    const second = buffers.keep(0, 3);
    assert.ok(buffers.exhausted);
    buffers.consume(first, 2);
    const rest = (buffer: number) => {
      const at = buffers.address(buffer) - 0x100000;
      return [...bytes.subarray(at, at + buffers.length(buffer))];
    };
    assert.deepEqual(
      [rest(first), rest(second)],
      [
        [4, 5],
        [6, 7, 8],
      ],
    );
    buffers.release(first);
    assert.ok(!buffers.exhausted);
  });
});

describe("the pool of pipes", () => {
  test("makes pipes up to its limit, hands them out again, and leaves none open", () => {
    const before = openDescriptors();
    const pipes = new Pipes(libc, 2);
    const [first, second] = [pipes.take(), pipes.take()];
    assert.equal(pipes.take(), 0);
    pipes.release(first);
    assert.equal(pipes.take(), first);
    pipes.release(first);
    pipes.release(second);
    assert.equal(openDescriptors(), before + 4);
    pipes.close();
    assert.equal(openDescriptors(), before);
  });

  test("never hands out a pipe that still holds bytes", () => {
    const pipes = new Pipes(libc, 1);
    const memory = libc.allocate(16);
    const pipe = pipes.take();
    assert.equal(libc.write(pipes.writeEnd[pipe], memory.address, 5), 5);
    pipes.held[pipe] = 5;
    pipes.release(pipe);
    assert.equal(pipes.take(), pipe);
    assert.equal(pipes.held[pipe], 0);
    assert.ok(libc.read(pipes.readEnd[pipe], memory.address, 16) < 0, "the pipe is empty");
    pipes.release(pipe);
    pipes.close();
  });

  test("does without where the host allows no pipe of this size", () => {
    let asked = 0;
    const stingy: Libc = {
      ...libc,
      fcntl: () => {
        asked++;
        return -EPERM;
      },
    };
    const before = openDescriptors();
    const pipes = new Pipes(stingy, 8);
    assert.deepEqual([pipes.take(), pipes.take()], [0, 0]);
    assert.equal(asked, 1, "it does not ask again");
    assert.equal(openDescriptors(), before);
  });
});

describe("the columns of connections", () => {
  test("reuse the slot freed last, under another generation", () => {
    const connections = new Connections(3);
    const [first, second] = [connections.open(10, CLOCK), connections.open(11, CLOCK)];
    const generation = connections.generation[first * 2];
    connections.release(first);
    assert.equal(connections.state[first], State.FREE);
    assert.equal(connections.open(12, CLOCK), first);
    assert.notEqual(connections.generation[first * 2], generation);
    assert.notEqual(first, second);
    assert.equal(connections.open(13, CLOCK), 2);
    assert.ok(connections.full);
  });
});

describe("the queue of those with more to carry", () => {
  test("is served in order and holds each end once, also across its end", () => {
    const connections = new Connections(2);
    const queue = new ReadyQueue(connections);
    for (let round = 0; round < 5; round++) {
      queue.push(3);
      queue.push(0);
      queue.push(3);
      queue.push(1);
      assert.equal(queue.length, 3);
      assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], [3, 0, 1]);
    }
  });

  test("holds an end once although its slot is used anew meanwhile", () => {
    const connections = new Connections(1);
    const queue = new ReadyQueue(connections);
    const slot = connections.open(10, CLOCK);
    queue.push(slot * 2);
    connections.release(slot);
    connections.open(11, CLOCK);
    queue.push(slot * 2);
    assert.equal(queue.length, 1);
  });
});
