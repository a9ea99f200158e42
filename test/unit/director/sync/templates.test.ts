/** Templates between two and three directors: real tables and replicas, messages through JSON. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, test } from "node:test";
import { NOTHING_READ, type TemplateBatch, UPSERT_FIELDS } from "../../../../src/balancer/template-stream.js";
import { Ending } from "../../../../src/core/dispatch.js";
import { UvsError } from "../../../../src/core/errors.js";
import { parseTemplateBatch, pieces } from "../../../../src/director/sync/template-batch.js";
import { TemplatePublisher } from "../../../../src/director/sync/template-publisher.js";
import { TemplateSubscriber } from "../../../../src/director/sync/template-subscriber.js";
import { TemplateExchange } from "../../../../src/forwarder/template-exchange.js";
import { TemplateReplica } from "../../../../src/forwarder/template-replica.js";
import type { SyncMessage } from "../../../../src/ha/sync/seal.js";
import { settle } from "../../../helpers/fake-timers.js";
import { TemplateBench, type TemplateBenchOptions } from "../../../helpers/template-bench.js";

/** A forwarder's table and the primary's replica of it. */
class Director extends TemplateBench {
  readonly exchange = new TemplateExchange(this.columns, this.table);
  readonly replica: TemplateReplica;
  nowMs = 0;
  #position = NOTHING_READ;

  constructor(options: TemplateBenchOptions = {}) {
    super(options);
    const sizes = { templates: options.capacity ?? 256, services: 8, realservers: 64 };
    this.replica = new TemplateReplica(sizes, { nowMs: () => this.nowMs });
  }

  override passSeconds(seconds: number): void {
    this.nowMs += seconds * 1000;
    super.passSeconds(seconds);
  }

  /** What a replicator does. */
  pull(): void {
    for (let hasMore = true; hasMore; ) {
      const batch = this.exchange.read(this.#position);
      this.replica.apply(batch, true);
      this.#position = batch.position;
      hasMore = batch.hasMore;
    }
  }

  merge(batch: TemplateBatch, winsTies: boolean): void {
    this.replica.merge(batch, winsTies);
    this.exchange.merge(batch, winsTies);
  }

  /** A connection that comes and goes. */
  visit(client: string): string | number {
    const name = this.nameOf(this.#close(this.connect(client, this.id)));
    return name;
  }

  #close(token: ReturnType<Director["connect"]>): ReturnType<Director["connect"]> {
    this.close(token, Ending.RESET);
    return token;
  }
}

/** What one director tells another. */
class Link {
  readonly sent: SyncMessage[] = [];
  publisher: TemplatePublisher;
  readonly subscriber: TemplateSubscriber;
  isCut = false;

  constructor(
    readonly from: Director,
    to: Director,
    winsTies = false,
  ) {
    this.subscriber = new TemplateSubscriber(async (batch) => to.merge(batch, winsTies));
    this.publisher = this.open();
  }

  /** A new connection. */
  open(): TemplatePublisher {
    const publisher = new TemplatePublisher(this.from.replica, (message) => this.#deliver(message));
    this.publisher = publisher;
    const { position } = JSON.parse(JSON.stringify(this.subscriber.open())) as SyncMessage;
    publisher.want(position as typeof NOTHING_READ);
    return publisher;
  }

  /** Brings over what there is. */
  async run(): Promise<void> {
    this.from.pull();
    this.publisher.pump();
    await settle();
  }

  #deliver(message: SyncMessage): void {
    this.sent.push(message);
    if (this.isCut) return;
    this.subscriber.take(JSON.parse(JSON.stringify(message)) as SyncMessage, () => this.publisher.got());
  }
}

const upserts = (link: Link): number =>
  link.sent.reduce((sum, { batch }) => sum + (batch as TemplateBatch).upserts.length / UPSERT_FIELDS, 0);

async function pair(options: TemplateBenchOptions = {}) {
  const [a, b] = [new Director(options), new Director(options)];
  const [ab, ba] = [new Link(a, b, false), new Link(b, a, true)];
  const run = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      await ab.run();
      await ba.run();
    }
  };
  return { a, b, ab, ba, run };
}

const CLIENTS = Array.from({ length: 20 }, (_, i) => `10.77.1.${i + 1}`);

describe("templates of a peer", () => {
  test("send clients to the realservers that the peer had chosen", async () => {
    const { a, b, run } = await pair();
    const before = CLIENTS.map((client) => a.visit(client));
    b.visit("10.77.1.200");
    await run();
    assert.deepEqual(
      CLIENTS.map((client) => b.choose(client)),
      before,
    );
  });

  test("are not told back, and nothing is told twice", async () => {
    const { a, b, ab, ba, run } = await pair();
    for (const client of CLIENTS) a.visit(client);
    await run();
    assert.deepEqual([upserts(ab), upserts(ba)], [20, 0]);
    for (const director of [a, b]) director.passSeconds(2);
    a.visit(CLIENTS[0]);
    await run();
    assert.deepEqual([upserts(ab), upserts(ba)], [21, 0]);
    b.visit(CLIENTS[0]);
    b.passSeconds(2);
    b.visit(CLIENTS[0]);
    await run();
    assert.deepEqual([upserts(ab), upserts(ba)], [21, 1], "used there, it is told by who used it");
  });

  test("come back to a director that has lost them, also those that it had made itself", async () => {
    const { a, b, run } = await pair();
    const before = CLIENTS.map((client) => a.visit(client));
    await run();
    const again = new Director();
    const link = new Link(b, again);
    await link.run();
    assert.deepEqual(
      CLIENTS.map((client) => again.choose(client)),
      before,
    );
  });

  test("yield to those that were used later, on both sides to the same", async () => {
    const { a, b, run } = await pair();
    for (let i = 0; i < 2; i++) b.visit(`10.77.1.${100 + i}`);
    a.visit("10.77.1.1");
    for (const director of [a, b]) director.passSeconds(10);
    const late = b.visit("10.77.1.1");
    await run();
    assert.deepEqual([a.choose("10.77.1.1"), b.choose("10.77.1.1")], [late, late]);
  });

  test("used at the same time are settled the same way on both sides", async () => {
    const { a, b, run } = await pair();
    b.visit("10.77.1.100");
    const [here, there] = [a.visit("10.77.1.1"), b.visit("10.77.1.1")];
    assert.notEqual(here, there);
    await run();
    assert.equal(a.choose("10.77.1.1"), b.choose("10.77.1.1"));
  });

  test("do not replace one that an open connection holds", async () => {
    const { a, b, run } = await pair();
    b.visit("10.77.1.100");
    const held = a.choose("10.77.1.1");
    for (const director of [a, b]) director.passSeconds(10);
    assert.notEqual(b.visit("10.77.1.1"), held);
    await run();
    assert.equal(a.choose("10.77.1.1"), held);
  });

  test("go when the peer removes them, unless they were used here since", async () => {
    const { a, b, run } = await pair();
    for (const client of CLIENTS) a.visit(client);
    await run();
    b.visit(CLIENTS[3]);
    a.table.templates.removeEverything();
    await run();
    assert.deepEqual(
      b.rows().map(({ client }) => client[0] & 255),
      [4],
    );
  });

  test("held by open connections of the peer stay as long as it reminds, and a minute longer", async () => {
    const { a, b, ab, run } = await pair({ timeoutSec: 5 });
    a.connect("10.77.1.1");
    await run();
    for (let i = 0; i < 10; i++) {
      for (const director of [a, b]) director.passSeconds(30);
      ab.publisher.remind();
      await run();
      assert.equal(b.rows().length, 1, `after ${(i + 1) * 30} s`);
    }
    b.passSeconds(150);
    await run();
    assert.equal(b.rows().length, 0);
  });

  test("are told once the peer can take them, however much has happened: nothing waits for it meanwhile", async () => {
    const { a, b, ab } = await pair({ capacity: 8192 });
    await ab.run();
    ab.isCut = true;
    for (let i = 0; i < 5000; i++) {
      a.visit(`10.78.${i >> 8}.${i & 255}`);
      if (i % 100 === 0) await ab.run();
    }
    assert.ok(ab.sent.length <= 4, `${ab.sent.length} messages were sent to a peer that answers none`);
    ab.isCut = false;
    ab.open();
    for (let i = 0; i < 20; i++) await ab.run();
    assert.equal(b.replica.count, 5000);
  });

  test("go on where a connection was lost, and begin anew where everything was being told", async () => {
    const { a, b, ab } = await pair({ capacity: 2048 });
    for (let i = 0; i < 1500; i++) a.visit(`10.78.${i >> 8}.${i & 255}`);
    a.pull();
    ab.subscriber.open();
    ab.publisher.want(NOTHING_READ);
    await settle();
    for (let i = 0; i < 8; i++) await ab.run();
    assert.equal(b.replica.count, 1500);
    const before = upserts(ab);
    a.visit("10.79.0.1");
    a.pull();
    ab.open();
    await ab.run();
    assert.equal(upserts(ab) - before, 1, "only what is new");
  });

  test("move between directors at random, and all agree in the end", async () => {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const directors = [new Director(), new Director(), new Director()];
    const links = directors.flatMap((from, i) =>
      directors.flatMap((to, j) => (i === j ? [] : [new Link(from, to, i > j)])),
    );
    const run = async (): Promise<void> => {
      for (let i = 0; i < 6; i++) for (const link of links) await link.run();
    };
    const pass = (seconds: number): void => {
      for (const director of directors) director.passSeconds(seconds);
    };
    // Who is right of three at the same time depends on who hears whom first, and is settled by the next connection.
    const last = new Map<string, { director: number; atMs: number }>();
    for (let step = 0; step < 300; step++) {
      const what = random(10);
      if (what < 7) {
        const [director, client] = [random(3), `10.77.1.${random(30)}`];
        const before = last.get(client);
        const isClose = before !== undefined && directors[0].nowMs - before.atMs < 3000;
        if (isClose && before.director !== director) pass(3);
        directors[director].visit(client);
        last.set(client, { director, atMs: directors[0].nowMs });
      } else if (what === 7) pass(1 + random(20));
      else if (what === 8) await run();
      else links[random(links.length)].open();
    }
    await run();
    const listings = directors.map((director) => director.listed());
    assert.deepEqual(listings[1], listings[0], `seed ${seed}`);
    assert.deepEqual(listings[2], listings[0], `seed ${seed}`);
  });
});

describe("a batch from a peer", () => {
  const good = (): TemplateBatch => {
    const director = new Director();
    director.visit("10.77.1.1");
    return JSON.parse(JSON.stringify(director.exchange.read(NOTHING_READ))) as TemplateBatch;
  };

  test("is taken as it is where it makes sense", () => {
    const batch = good();
    assert.deepEqual(parseTemplateBatch(batch), batch);
  });

  test("is refused with the field that makes none", () => {
    const faults: readonly [object | null, RegExp][] = [
      [null, /batch is no object/],
      [{ position: { origin: 0.5, sequence: 0, removals: 0 } }, /origin is 0.5/],
      [{ isWhole: 1 }, /isWhole/],
      [{ virtuals: ["x".repeat(200)] }, /virtuals is no text of at most 128/],
      [{ upserts: [1, 2, 3] }, /upserts is no list/],
      [{ upserts: [9, 0, 0, 0, 0, 0, 1000, 0, 0, 0] }, /service is 9/],
      [{ upserts: [0, 0, 0, 0, 0, 7, 1000, 0, 0, 0] }, /realserver is 7/],
      [{ upserts: [0, 2 ** 40, 0, 0, 0, 0, 1000, 0, 0, 0] }, /client is/],
      [{ upserts: [0, 0, 0, 0, 0, 0, 1e12, 0, 0, 0] }, /timeoutMs is/],
      [{ upserts: [0, 0, 0, 0, 0, 0, 1000, 0, 0, 8] }, /flags is 8/],
      [{ removals: [0, 1, 2, 3, "4"] }, /client is 4/],
    ];
    for (const [fault, words] of faults) {
      const found = fault === null ? null : { ...good(), ...fault };
      assert.throws(
        () => parseTemplateBatch(found),
        (error) => error instanceof UvsError && error.code === "INVALID" && words.test(error.message),
        String(words),
      );
    }
  });

  test("is refused or taken, but nothing else, whatever is in it", () => {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const values = [null, -1, 0.5, 1e300, 2 ** 32, "", "__proto__", [], [[]], {}, [null], ["x"], true];
    const director = new Director();
    const template = JSON.stringify(good());
    for (let round = 0; round < 5000; round++) {
      const batch = JSON.parse(template) as Record<string, unknown>;
      const name = Object.keys(batch)[random(7)];
      const value = values[random(values.length)];
      const inside = batch[name];
      if (Array.isArray(inside) && inside.length > 0 && random(2) === 0)
        inside[random(inside.length)] = value;
      else batch[name] = value;
      try {
        director.merge(parseTemplateBatch(batch), true);
      } catch (error) {
        assert.ok(error instanceof UvsError && error.code === "INVALID", `seed ${seed}: ${String(error)}`);
      }
    }
  });

  test("of many removals is sent in pieces, the last of which says where to go on", () => {
    const removals = Array.from({ length: 10_000 * 5 }, (_, i) => (i % 5 === 0 ? 0 : i));
    const parts = pieces({ ...good(), removals }, NOTHING_READ);
    assert.equal(parts.length, 3);
    assert.deepEqual(
      parts.flatMap((part) => part.removals),
      removals,
    );
    assert.deepEqual(parts.map(({ position }) => position).slice(0, 2), [NOTHING_READ, NOTHING_READ]);
    assert.deepEqual(
      parts.map(({ hasMore }) => hasMore),
      [true, true, false],
    );
  });
});
