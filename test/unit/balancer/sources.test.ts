import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SourceCounts } from "../../../src/balancer/sources.js";

function makeTable(capacity: number): SourceCounts {
  const ints = () => new Int32Array(new SharedArrayBuffer(capacity * 4));
  return new SourceCounts({
    lock: new Int32Array(new SharedArrayBuffer(4)),
    count: ints(),
    service: ints(),
    address: new Uint32Array(new SharedArrayBuffer(capacity * 16)),
  });
}

test("counts agree with a map after any sequence of admissions, releases and forgotten services", () => {
  const step = fc.record({
    what: fc.constantFrom("admit", "admit", "admit", "release", "release", "forget"),
    service: fc.integer({ min: 0, max: 2 }),
    address: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      // 3 services of 13 addresses in 64 places: runs collide and wrap.
      const table = makeTable(64);
      const model = new Map<string, number>();
      const words = new Uint32Array(4);
      const LIMIT = 3;
      for (const { what, service, address } of steps) {
        words.set([address * 0x01010101, 0, 0, address]);
        const key = `${service} ${address}`;
        const count = model.get(key) ?? 0;
        if (what === "admit") {
          assert.equal(table.admit(service, words, LIMIT), count < LIMIT);
          if (count < LIMIT) model.set(key, count + 1);
        } else if (what === "release") {
          table.release(service, words);
          model.set(key, Math.max(0, count - 1));
        } else {
          table.forget(service);
          for (const other of model.keys()) if (other.startsWith(`${service} `)) model.delete(other);
        }
      }
      for (let service = 0; service <= 2; service++) {
        for (let address = 0; address <= 12; address++) {
          words.set([address * 0x01010101, 0, 0, address]);
          const count = model.get(`${service} ${address}`) ?? 0;
          for (let i = count; i < LIMIT; i++) assert.equal(table.admit(service, words, LIMIT), true);
          assert.equal(table.admit(service, words, LIMIT), false);
        }
      }
    }),
  );
});
