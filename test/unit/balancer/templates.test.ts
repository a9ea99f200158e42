/** The table of templates itself: bounds, eviction, the wheel, and a model that it is compared with. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createTemplates } from "../../../src/balancer/template-columns.js";
import { TemplateKeeper } from "../../../src/balancer/template-keeper.js";
import { TemplateTable } from "../../../src/balancer/templates.js";

const LINGER = 480;

function setUp(capacity: number) {
  const persistent = new Int32Array(8);
  const columns = createTemplates(capacity, 4);
  const table = new TemplateTable(columns, persistent);
  const keeper = new TemplateKeeper(columns, persistent);
  const add = (client: number, ticks: number, now: number, server = 0): number =>
    table.add(0, Int32Array.of(client, 0, 0, 0), server, ticks, now);
  const find = (client: number, now: number): number => table.find(0, Int32Array.of(client, 0, 0, 0), now);
  return { persistent, columns, table, keeper, add, find };
}

describe("template table", () => {
  test("takes 64 bytes a template and at most two hash slots", () => {
    const { columns } = setUp(1000);
    assert.equal(columns.words.byteLength, 1001 * 64);
    assert.ok(columns.buckets.length < 2 * 1000 + 1);
  });

  test("full, it gives up the template that ends soonest, and counts it", () => {
    const { add, find, keeper } = setUp(3);
    add(1, 100, 0);
    add(2, 50, 0);
    add(3, 200, 0);
    assert.notEqual(add(4, 100, 0), 0);
    assert.deepEqual(
      [1, 2, 3, 4].map((client) => find(client, 0) !== 0),
      [true, false, true, true],
    );
    assert.deepEqual(keeper.counts(), { count: 3, capacity: 3, evicted: 1, unstored: 0 });
  });

  test("one that was used again since does not end soonest any longer", () => {
    const { add, find, table } = setUp(3);
    const first = add(1, 100, 0);
    add(2, 150, 0);
    add(3, 150, 0);
    table.open(first, 90);
    table.close(first, 0, 90);
    add(4, 100, 90);
    assert.notEqual(find(1, 90), 0);
    assert.equal([2, 3].filter((client) => find(client, 90) !== 0).length, 1);
  });

  test("those with open connections are not given up: a connection goes without a template, and is counted", () => {
    const { add, keeper, table } = setUp(2);
    const templates = [add(1, 10, 0), add(2, 10, 0)];
    for (const template of templates) table.open(template, 0);
    assert.equal(add(3, 10, 5), 0);
    assert.equal(keeper.counts().unstored, 1);
    table.close(templates[0], LINGER, 5);
    assert.notEqual(add(3, 10, 5), 0, "a closed one makes room");
    assert.equal(keeper.counts().evicted, 1);
  });

  test("one whose time is over makes room without being counted as given up", () => {
    const { add, keeper } = setUp(1);
    add(1, 10, 0);
    assert.notEqual(add(2, 10, 20), 0);
    assert.deepEqual(keeper.counts(), { count: 1, capacity: 1, evicted: 0, unstored: 0 });
  });

  test("expiry looks at no more templates than it may, and goes on next time", () => {
    const { add, table, keeper } = setUp(100);
    for (let client = 0; client < 100; client++) add(client, 10, 0);
    assert.equal(table.expire(20, 30), false);
    assert.equal(keeper.counts().count, 70);
    assert.equal(table.expire(20, 1000), true);
    assert.equal(keeper.counts().count, 0);
  });

  test("the longest time-out is kept to the tick, beyond a turn of the wheel", () => {
    const { add, keeper } = setUp(4);
    const ticks = 2678400 * 4;
    add(1, ticks, 0);
    for (let now = 0; now < ticks; now += 10_000) keeper.expire(now);
    keeper.expire(ticks);
    assert.equal(keeper.counts().count, 1);
    keeper.expire(ticks + 1);
    assert.equal(keeper.counts().count, 0);
  });

  test("rows of removed templates are used again", () => {
    const { add, keeper, columns } = setUp(4);
    for (let round = 0; round < 10; round++) {
      for (let client = 0; client < 4; client++) assert.notEqual(add(client, 10, 0), 0);
      assert.equal(keeper.removeEverything(), 4);
    }
    assert.equal(columns.header[1], 4, "the highest row");
  });
});

/** mulberry32 */
function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

interface ModelTemplate {
  server: number;
  timeout: number;
  expiry: number;
  open: number;
  linger: number;
}

/** The same rules, said one timer at a time. */
class Model {
  readonly templates = new Map<number, ModelTemplate>();

  advance(now: number): void {
    for (const [client, template] of this.templates) {
      while (template.expiry <= now && this.templates.has(client)) {
        if (template.open > 0 || template.linger > template.expiry) {
          template.timeout = 240;
          template.expiry += 240;
        } else {
          this.templates.delete(client);
        }
      }
    }
  }
}

test("agrees with a model that runs a timer for each template, whatever happens", () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  const below = randomSource(seed);
  const { table, keeper, add, find, persistent } = setUp(64);
  const model = new Model();
  const open: { client: number; template: number }[] = [];
  let now = 0;
  for (let step = 0; step < 20_000; step++) {
    const hint = `SEED=${seed} step ${step}`;
    now += below(4) === 0 ? below(300) : 0;
    model.advance(now);
    const client = below(40);
    const action = below(10);
    if (action < 5) {
      let template = find(client, now);
      const expected = model.templates.get(client);
      assert.equal(template !== 0, expected !== undefined, `${hint}: client ${client} at ${now}`);
      if (expected === undefined) {
        const [server, timeout] = [below(8), 1 + below(1000)];
        template = add(client, timeout, now, server);
        model.templates.set(client, { server, timeout, expiry: 0, open: 0, linger: 0 });
      } else {
        assert.equal(table.serverOf(template), expected.server, hint);
      }
      table.open(template, now);
      const made = model.templates.get(client)!;
      made.open++;
      made.expiry = now + made.timeout + 1;
      open.push({ client, template });
    } else if (action < 8 && open.length > 0) {
      const [{ client: closing, template }] = open.splice(below(open.length), 1);
      const linger = [0, 40, 480][below(3)];
      table.close(template, linger, now);
      const expected = model.templates.get(closing)!;
      expected.open--;
      if (linger > 0) expected.linger = Math.max(expected.linger, now + linger);
    } else if (action === 8) {
      keeper.expire(now);
      assert.equal(keeper.counts().count, model.templates.size, hint);
    } else {
      const template = find(client, now);
      const server = below(8);
      if (template !== 0) {
        table.move(template, server);
        model.templates.get(client)!.server = server;
      }
    }
  }
  keeper.expire(now);
  const counted = new Array<number>(8).fill(0);
  for (const { server } of model.templates.values()) counted[server]++;
  assert.deepEqual([...persistent], counted, `SEED=${seed}`);
});
