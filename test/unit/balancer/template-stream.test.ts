/** The stream of template changes from a balancer to a replica of it, read in all the ways in which readers fail. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  NOTHING_READ,
  type TemplateBatch,
  type TemplatePosition,
} from "../../../src/balancer/template-stream.js";
import { Ending } from "../../../src/core/dispatch.js";
import { TemplateExchange } from "../../../src/forwarder/template-exchange.js";
import { TemplateReplica } from "../../../src/forwarder/template-replica.js";
import type { BenchConnection } from "../../helpers/balancer-bench.js";
import { TemplateBench, type TemplateBenchOptions } from "../../helpers/template-bench.js";

class StreamBench extends TemplateBench {
  readonly exchange: TemplateExchange;
  readonly replica: TemplateReplica;
  nowMs = 0;
  position: TemplatePosition = NOTHING_READ;

  constructor(options: TemplateBenchOptions = {}) {
    super(options);
    this.exchange = new TemplateExchange(this.columns, this.table);
    this.replica = new TemplateReplica(
      { templates: options.capacity ?? 256, services: 8, realservers: 64 },
      { nowMs: () => this.nowMs },
    );
  }

  override passSeconds(seconds: number): void {
    this.nowMs += seconds * 1000;
    super.passSeconds(seconds);
  }

  /** Brings the replica up to date. @returns the batches */
  pull(): TemplateBatch[] {
    const batches: TemplateBatch[] = [];
    for (;;) {
      const batch = this.exchange.read(this.position);
      batches.push(batch);
      this.replica.apply(batch, true);
      this.position = batch.position;
      if (!batch.hasMore) return batches;
    }
  }

  /** A new generation that begins with what the replica knows. */
  successor(): StreamBench {
    const next = new StreamBench({ id: this.id });
    for (const batch of this.replica.readAll())
      next.exchange.seed(JSON.parse(JSON.stringify(batch)) as TemplateBatch);
    return next;
  }

  /** Tells a new generation what this one's connections control, as the primary does every few seconds. */
  handHolds(next: StreamBench): void {
    for (let row = 1; row !== 0; ) {
      const controlled = this.exchange.controlled(row);
      next.exchange.hold(JSON.parse(JSON.stringify(controlled.batch)) as TemplateBatch);
      row = controlled.next;
    }
  }
}

/** What a batch says, in words. */
function upsertsOf({ upserts, virtuals, servers }: TemplateBatch): string[] {
  const lines: string[] = [];
  for (let at = 0; at < upserts.length; at += 10) {
    lines.push(`${virtuals[upserts[at]]} ${upserts[at + 1] & 255} ${servers[upserts[at + 5]]}`);
  }
  return lines;
}

describe("templates that connections of an older generation control", () => {
  function upgraded() {
    const older = new StreamBench();
    const connection = older.connect("10.77.1.1");
    older.pull();
    const next = older.successor();
    const pass = (seconds: number): void => {
      for (let i = 0; i < seconds; i += 5) {
        older.handHolds(next);
        for (const bench of [older, next]) bench.passSeconds(5);
      }
    };
    return { older, connection, next, pass };
  }

  test("end by their time when nobody tells of them", () => {
    const { next } = upgraded();
    for (let i = 0; i < 80; i++) next.passSeconds(5);
    assert.deepEqual(next.rows(), []);
  });

  test("stay for as long as those connections do, and their TIME_WAIT", () => {
    const { older, connection, next, pass } = upgraded();
    pass(1000);
    assert.deepEqual(next.listed(), ["10.77.1.1 -> 10.77.2.3 ASSURED"]);
    older.close(connection);
    pass(100);
    assert.deepEqual(next.listed(), ["10.77.1.1 -> 10.77.2.3 ASSURED"]);
    pass(100);
    assert.deepEqual(next.listed(), []);
  });

  test("are not made again where they were removed, nor moved back where they lead elsewhere", () => {
    const { older, next } = upgraded();
    next.table.templates.removeEverything();
    older.handHolds(next);
    assert.deepEqual(next.listed(), []);
    next.editServer("10.77.2.3", { weight: 0 });
    const elsewhere = next.choose("10.77.1.1");
    older.handHolds(next);
    assert.equal(next.choose("10.77.1.1"), elsewhere);
    assert.notEqual(elsewhere, "10.77.2.3");
  });
});

describe("stream of template changes", () => {
  test("has each template once, as it is when it is read, and then nothing until something changes", () => {
    const bench = new StreamBench();
    for (let i = 0; i < 3; i++) bench.connect("10.77.1.1");
    bench.connect("10.77.1.2");
    assert.deepEqual(bench.pull().flatMap(upsertsOf), [
      "tcp://10.77.0.100:80 1 10.77.2.3:80",
      "tcp://10.77.0.100:80 2 10.77.2.2:80",
    ]);
    assert.deepEqual(bench.pull().flatMap(upsertsOf), []);
    bench.connect("10.77.1.1");
    assert.deepEqual(bench.pull().flatMap(upsertsOf), ["tcp://10.77.0.100:80 1 10.77.2.3:80"]);
  });

  test("survives JSON, and a batch that comes twice does no harm", () => {
    const bench = new StreamBench();
    bench.connect("10.77.1.1");
    const batch = JSON.parse(JSON.stringify(bench.exchange.read(NOTHING_READ))) as TemplateBatch;
    for (let i = 0; i < 2; i++) bench.replica.apply(batch, true);
    assert.equal(bench.replica.count, 1);
  });

  test("a new generation sends clients where the dead one sent them", () => {
    const bench = new StreamBench();
    const clients = Array.from({ length: 200 }, (_, i) => `10.77.1.${i}`);
    const before = clients.map((client) => bench.choose(client));
    bench.pull();
    const next = bench.successor();
    assert.deepEqual(
      clients.map((client) => next.choose(client)),
      before,
    );
  });

  test("a template that open connections held goes on as if they had been reset", () => {
    const bench = new StreamBench({ timeoutSec: 3 });
    bench.connect("10.77.1.1");
    bench.pull();
    bench.passSeconds(100);
    assert.equal(bench.replica.count, 1, "held, it outlives its time-out in the replica too");
    const next = bench.successor();
    assert.deepEqual(
      next.rows().map(({ open, timeoutTicks }) => [open, timeoutTicks]),
      [[0, 240]],
    );
    next.passSeconds(61);
    assert.deepEqual(next.rows(), []);
  });

  test("a removed template goes from the replica, and so does one whose time is over", () => {
    const bench = new StreamBench({ timeoutSec: 5 });
    bench.close(bench.connect("10.77.1.1"), Ending.RESET);
    bench.close(bench.connect("10.77.1.2"), Ending.RESET);
    bench.pull();
    const { slot } = bench.table.service(bench.id).servers.get("10.77.2.3:80")!;
    bench.table.templates.removeServer(slot);
    bench.pull();
    assert.equal(bench.replica.count, 1);
    bench.passSeconds(70);
    bench.replica.apply(bench.exchange.read(bench.position), true);
    assert.equal(bench.replica.count, 0);
  });

  test("a reader that was away for more removals than are remembered is sent everything, and loses the rest", () => {
    const bench = new StreamBench({ capacity: 8192 });
    bench.connect("10.77.1.1");
    bench.pull();
    bench.table.templates.removeEverything();
    for (let round = 0; round < 9; round++) {
      for (let i = 0; i < 8000; i++) bench.close(bench.connect(`10.78.${i >> 8}.${i & 255}`));
      bench.table.templates.removeEverything();
    }
    bench.connect("10.77.1.2");
    const batches = bench.pull();
    assert.equal(batches[0].isWhole, true);
    assert.equal(bench.replica.count, 1);
    assert.equal(bench.pull()[0].isWhole, false, "and goes on from there");
  });

  test("a long table is read in batches without one being read twice, also while it changes", () => {
    const bench = new StreamBench({ capacity: 8192 });
    for (let i = 0; i < 5000; i++) bench.dispatch(`10.78.${i >> 8}.${i & 255}`, bench.service);
    let [upserts, batches] = [0, 0];
    for (let hasMore = true; hasMore; batches++) {
      const batch = bench.exchange.read(bench.position);
      upserts += batch.upserts.length / 10;
      bench.replica.apply(batch, true);
      ({ position: bench.position, hasMore } = batch);
      // The one that was read last changes, so that it is no place to go on from.
      const last = Math.min(upserts, 5000) - 1;
      bench.dispatch(`10.78.${last >> 8}.${last & 255}`, bench.service);
    }
    assert.equal(bench.replica.count, 5000);
    assert.ok(upserts <= 5000 + 2 * batches, `${upserts} in ${batches} batches`);
  });

  test("what a realserver's templates were is passed over where the realserver is not known", () => {
    const bench = new StreamBench();
    bench.connect("10.77.1.1");
    bench.pull();
    const next = new TemplateBench({ servers: 2 });
    const exchange = new TemplateExchange(next.columns, next.table);
    for (const batch of bench.replica.readAll()) exchange.seed(batch);
    assert.deepEqual(next.rows(), []);
  });
});

test("a replica that reads now and then agrees with the balancer, whatever happens", () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  let state = seed;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) % n;
  };
  const bench = new StreamBench({ timeoutSec: 20, capacity: 32 });
  const open: BenchConnection[] = [];
  for (let step = 0; step < 5000; step++) {
    const action = below(20);
    if (action < 8) {
      const connection = bench.connect(`10.77.1.${below(40)}`);
      if (typeof connection === "object") open.push(connection);
    } else if (action < 14 && open.length > 0) {
      const [connection] = open.splice(below(open.length), 1);
      bench.close(connection, below(2) === 0 ? Ending.RESET : Ending.FINISHED);
    } else if (action === 14) {
      bench.passSeconds(below(30));
    } else if (action === 15) {
      bench.editServer(`10.77.2.${1 + below(3)}`, { weight: below(2) });
    } else if (action === 16) {
      bench.setSysctl("EXPIRE_QUIESCENT_TEMPLATE", below(2));
    } else if (action === 17 && below(10) === 0) {
      bench.table.templates.removeEverything();
    } else {
      // Now and then a batch is lost on its way, and asked for again.
      if (below(3) === 0) bench.exchange.read(bench.position);
      bench.pull();
      const valid = bench.rows().filter(({ isInvalid }) => !isInvalid);
      assert.equal(bench.replica.count, valid.length, `SEED=${seed} step ${step}`);
    }
  }
  bench.passSeconds(0);
  bench.pull();
  const next = bench.successor();
  const leads = (from: TemplateBench): string[] =>
    from
      .rows()
      .filter(({ isInvalid }) => !isInvalid)
      .map(({ client, server }) => `${client[0]} ${from.nameOf(server)}`)
      .sort();
  assert.deepEqual(leads(next), leads(bench), `SEED=${seed}`);
});
