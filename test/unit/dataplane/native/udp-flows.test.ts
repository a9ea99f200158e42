import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type FlowKey, FlowState, Flows } from "../../../../src/dataplane/native/udp-flows.js";
import { RING_GRAIN_MS, Ring } from "../../../../src/dataplane/native/udp-rings.js";

const memory = { allocate: (bytes: number) => ({ buffer: new ArrayBuffer(bytes), address: 0 }) };
const AF_INET = 2;
const AF_INET6 = 10;

/** The key of a datagram from 10.0.0.`host`, or fd77::`host`, and a port. */
function key(host: number, port: number, { isV6 = false, listener = 0, vip = 0 } = {}): FlowKey {
  const names = new Uint32Array(8);
  names[0] = (isV6 ? AF_INET6 : AF_INET) | ((((port & 255) << 8) | (port >> 8)) << 16);
  if (isV6) names.set([0, 0x77fd, 0, 0, host << 24], 1);
  else names[1] = (10 | (host << 24)) >>> 0;
  const destination = new Uint32Array([vip, 0, 0, 0]);
  return { names, nameAt: 0, listener, isAny: vip > 0, destination, destinationPort: 53 };
}

describe("the table of UDP flows", () => {
  test("finds what is open by all of its key, and nothing else", () => {
    const flows = new Flows(memory, 64);
    const slot = flows.open(key(1, 1000), 0, true);
    assert.equal(flows.find(key(1, 1000)), slot);
    const others = [key(2, 1000), key(1, 1001), key(1, 1000, { isV6: true }), key(1, 1000, { listener: 1 })];
    assert.deepEqual(
      others.map((other) => flows.find(other)),
      [-1, -1, -1, -1],
    );
    const [a, b] = [key(1, 1000, { listener: 2, vip: 7 }), key(1, 1000, { listener: 2, vip: 8 })];
    const toA = flows.open(a, 0, true);
    assert.deepEqual([flows.find(a), flows.find(b)], [toA, -1]);
  });

  test("tells the client as it was: address and port", () => {
    const flows = new Flows(memory, 4);
    const words = new Uint32Array(4);
    const four = flows.open(key(9, 5353), 0, true);
    flows.decodeClient(four, words, 0);
    assert.deepEqual([[...words], flows.clientPort(four)], [[0x0a000009, 0, 0, 0], 5353]);
    const six = flows.open(key(9, 53, { isV6: true }), 0, true);
    flows.decodeClient(six, words, 0);
    assert.deepEqual([[...words], flows.clientPort(six)], [[0xfd770000, 0, 0, 9], 53]);
  });

  test("behaves as a map with a list by age, whatever is done (model)", () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant("open" as const), host: fc.nat(9), port: fc.nat(9) }),
      fc.record({ do: fc.constant("touch" as const), host: fc.nat(9), port: fc.nat(9) }),
      fc.record({ do: fc.constant("end" as const), host: fc.nat(9), port: fc.nat(9) }),
      fc.record({ do: fc.constant("evict" as const) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const flows = new Flows(memory, 16);
        // In the order of age.
        const model = new Map<string, number>();
        let nowMs = 0;
        for (const step of actions) {
          nowMs += RING_GRAIN_MS;
          if (step.do === "evict") {
            const [oldest] = model;
            const slot = flows.rings.oldest(Ring.UNANSWERED);
            assert.equal(slot, oldest?.[1] ?? -1);
            if (oldest === undefined) continue;
            flows.release(slot);
            model.delete(oldest[0]);
            continue;
          }
          const name = `${step.host} ${step.port}`;
          const known = model.get(name);
          const found = flows.find(key(step.host, step.port));
          assert.equal(found, known ?? -1);
          if (step.do === "open" && known === undefined && !flows.full) {
            model.set(name, flows.open(key(step.host, step.port), nowMs, true));
          } else if (step.do === "touch" && known !== undefined) {
            flows.rings.touch(known, Ring.UNANSWERED, nowMs);
            model.delete(name);
            model.set(name, known);
          } else if (step.do === "end" && known !== undefined) {
            flows.release(known);
            model.delete(name);
          }
          assert.equal(flows.count, model.size);
        }
        const open = [...flows.state].filter((state) => state === FlowState.OPEN).length;
        assert.equal(open, model.size);
      }),
    );
  });

  test("one-packet flows are found by nobody, and come first to give way", () => {
    const flows = new Flows(memory, 4);
    const slot = flows.open(key(1, 1), 0, false);
    assert.equal(flows.find(key(1, 1)), -1);
    assert.deepEqual([flows.rings.oldest(Ring.SHORT), flows.rings.oldest(Ring.UNANSWERED)], [slot, -1]);
    flows.release(slot);
    assert.equal(flows.count, 0);
  });

  test("a former flow's event is told from the present one's", () => {
    const flows = new Flows(memory, 4);
    const first = flows.open(key(1, 1), 0, true);
    const generation = flows.generation[first];
    flows.release(first);
    assert.equal(flows.open(key(2, 2), 0, true), first);
    assert.notEqual(flows.generation[first], generation);
  });
});
