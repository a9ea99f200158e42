/** From when to when health has a say: before the first check of a realserver, and after the last. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_REALSERVER } from "../../src/core/model.js";
import {
  config,
  FAST,
  freePort,
  get,
  isIn,
  isOut,
  realserver,
  WebServer,
} from "../helpers/checked-service.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const CYCLES = 30;

for (const onDown of ["quiesce", "remove"]) {
  test(`a realserver that is added under load gets no connection before its checks pass (${onDown})`, async (t) => {
    const [one, ill] = [await WebServer.start(t, "127.41.1.1"), await WebServer.start(t, "127.41.1.2")];
    ill.isWell = false;
    const port = await freePort();
    const health = `health: { type: http, path: /health, ${FAST} }\non-down: ${onDown}`;
    const uvsd = await Uvsd.start(t, { config: config(port, [one], health) });
    await isIn(uvsd, one);
    const id = { protocol: "tcp", address: "127.0.0.1", port } as const;
    const server = { ...DEFAULT_REALSERVER, address: ill.address, port: ill.port };
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) await get(port);
    };
    const clients = Array.from({ length: 4 }, client);
    for (let i = 0; i < CYCLES; i++) {
      await uvsd.client.addRealserver(id, server);
      await uvsd.client.deleteRealserver(id, server);
    }
    isOver = true;
    await Promise.all(clients);
    assert.equal(ill.served, 0);
  });

  test(`without its checks a realserver that was down has its weight again (${onDown})`, async (t) => {
    const ill = await WebServer.start(t, onDown === "remove" ? "127.41.1.3" : "127.41.1.4");
    ill.isWell = false;
    const port = await freePort();
    const health = `health: { type: http, path: /health, ${FAST} }\non-down: ${onDown}`;
    const uvsd = await Uvsd.start(t, { config: config(port, [ill], health) });
    await isOut(uvsd, ill);
    await uvsd.rewrite(config(port, [ill], ""));
    await uvsd.client.reload();
    assert.equal((await realserver(uvsd, ill.key)).weight, 1);
    assert.equal(await get(port), ill.address);
  });
}

test("realservers in service stay there when checks are added, and when they are changed", async (t) => {
  const one = await WebServer.start(t, "127.41.1.5");
  const port = await freePort();
  const uvsd = await Uvsd.start(t, { config: config(port, [one], "") });
  assert.equal(await get(port), one.address);
  for (const path of ["/health", "/health?other"]) {
    // The next probe of an interval of an hour comes after the test.
    const slow = "interval: 1h, warmup: 1h, timeout: 2s";
    await uvsd.rewrite(config(port, [one], `health: { type: http, path: ${path}, ${slow} }`));
    await uvsd.client.reload();
    assert.equal(await get(port), one.address);
    assert.equal((await realserver(uvsd, one.key)).health?.state, "up");
  }
  await uvsd.rewrite(config(port, [one], `health: { type: http, path: /health, ${FAST} }`));
  await uvsd.client.reload();
  one.isWell = false;
  await isOut(uvsd, one);
  await waitFor("connections are refused", async () => (await get(port).catch(() => "")) === "");
});
