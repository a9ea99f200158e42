import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { PersistenceThreadData } from "../../helpers/persistence-thread.js";
import { TemplateBench } from "../../helpers/template-bench.js";

const THREADS = 4;
const CLIENTS = 10_000;
const ROUNDS = 3;

test("4 threads, 10,000 clients in parallel: no client sees two realservers", async () => {
  const bench = new TemplateBench({ capacity: 16_384, servers: 7 });
  const shared = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  const data: Omit<PersistenceThreadData, "thread"> = {
    columns: bench.columns,
    service: bench.service,
    clients: CLIENTS,
    rounds: ROUNDS,
    seen: shared(CLIENTS),
    words: shared(2),
    threads: THREADS,
  };
  const threads = Array.from({ length: THREADS }, (_, thread) => {
    const entry = new URL("../../helpers/persistence-thread.js", import.meta.url);
    return new Worker(entry, { workerData: { ...data, thread } });
  });
  // Time goes on meanwhile, but not so far that a template may end.
  let ticksLeft = 800;
  const janitor = setInterval(() => ticksLeft-- > 0 && bench.passSeconds(0.25), 5);
  await Promise.all(threads.map((worker) => once(worker, "exit")));
  clearInterval(janitor);
  assert.equal(data.words[1], 0, "connections that went elsewhere than the client's first");
  assert.ok(!data.seen.includes(0), "every client was served");
  assert.equal(bench.rows().length, CLIENTS);
  assert.deepEqual(
    bench.persistent().map((count) => Math.abs(count - CLIENTS / 7) < 1),
    new Array(7).fill(true),
    `one template a client, dealt round: ${bench.persistent()}`,
  );
  assert.ok(bench.rows().every(({ open, isAssured }) => open === 0 && isAssured));
});
