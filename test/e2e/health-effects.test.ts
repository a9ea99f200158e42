/** What results do in a running director: sessions, quorum and its hooks, the sorry server, slow start, dynamic weights. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
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
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const HTTP = `health: { type: http, path: /health, ${FAST} }`;

/** A client's connection that stays open; how it ended, once it has. */
async function session(t: TestContext, port: number): Promise<{ outcome: string | undefined }> {
  const socket = connect(port, "127.0.0.1");
  const state: { outcome: string | undefined } = { outcome: undefined };
  t.after(() => socket.destroy());
  socket.on("error", (error: NodeJS.ErrnoException) => {
    state.outcome = error.code;
  });
  // The answer of a first request shows that the session has reached its realserver.
  socket.write("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  return state;
}

for (const [closes, words] of [
  [true, "are reset where asked"],
  [false, "go on where not"],
] as const) {
  test(`sessions of a realserver that goes down ${words}`, async (t) => {
    const one = await WebServer.start(t, `127.45.0.${closes ? 1 : 2}`);
    one.keepsSessions = true;
    const port = await freePort();
    const uvsd = await Uvsd.start(t, { config: config(port, [one], `${HTTP}\nclose-sessions: ${closes}`) });
    await isIn(uvsd, one);
    const client = await session(t, port);
    one.isWell = false;
    await isOut(uvsd, one);
    if (closes) {
      await waitFor("it is reset", () => client.outcome !== undefined);
      assert.equal(client.outcome, "ECONNRESET");
    } else {
      assert.equal((await realserver(uvsd, one.key)).active, 1);
      assert.equal(client.outcome, undefined);
    }
  });
}

test("below the quorum the sorry server serves and the hook is called, until hysteresis lets it rise", async (t) => {
  const folder = temporaryDirectory(t);
  const log = join(folder, "log");
  const hook = join(folder, "hook");
  writeFileSync(hook, `#!/bin/sh\necho "$1 $UVS_NEW_STATE" >> ${log}\n`);
  writeFileSync(log, "");
  chmodSync(hook, 0o755);
  const servers: WebServer[] = [];
  for (let n = 1; n <= 3; n++) servers.push(await WebServer.start(t, `127.45.1.${n}`));
  const sorry = await WebServer.start(t, "127.45.1.9");
  const port = await freePort();
  const lines = [
    HTTP,
    `sorry: "${sorry.key}"`,
    "quorum: 2",
    "hysteresis: 1",
    `quorum-up: [${hook} gained]`,
    `quorum-down: [${hook} lost]`,
  ].join("\n");
  const uvsd = await Uvsd.start(t, { config: config(port, servers, lines) });
  const [one, two, three] = servers;
  for (const server of servers) await isIn(uvsd, server);
  const logged = () => readFileSync(log, "utf8").trim().split("\n");
  for (const server of [one, two]) server.isWell = false;
  for (const server of [one, two]) await isOut(uvsd, server);
  assert.equal(await get(port), three.address, "one is enough to stay up: 2 - 1");
  three.isWell = false;
  await waitFor("the sorry server serves", async () => (await get(port)) === sorry.address);
  for (const server of [one, two]) server.isWell = true;
  await waitFor("both checks pass", async () => {
    const [service] = (await uvsd.client.health()).services;
    return service.weight === 2;
  });
  assert.equal(await get(port), sorry.address, "two are not enough to rise: 2 + 1");
  three.isWell = true;
  await isIn(uvsd, three);
  assert.ok(servers.map(({ address }) => address).includes(await get(port)));
  await waitFor("the hooks are called", () => logged().length === 3);
  assert.deepEqual(logged(), ["gained up", "lost down", "gained up"]);
});

test("a realserver that comes back gets its weight by and by", async (t) => {
  const one = await WebServer.start(t, "127.45.2.1");
  const text = config(await freePort(), [one], `${HTTP}\nslow-start: 4s`);
  const uvsd = await Uvsd.start(t, {
    config: text.replace(one.key, `{ address: "${one.key}", weight: 64 }`),
  });
  const weight = async () => (await realserver(uvsd, one.key)).weight;
  const seen: number[] = [];
  const isFull = async () => {
    seen.push(await weight());
    return seen.at(-1) === 64;
  };
  await waitFor("it serves", isFull);
  assert.ok(
    seen.every((value) => value === 0 || value === 64),
    "not at the beginning",
  );
  one.isWell = false;
  await isOut(uvsd, one);
  one.isWell = true;
  seen.length = 0;
  await waitFor("it serves fully", isFull);
  const grown = seen.filter((value) => value > 0);
  assert.ok(grown[0] < 64, grown.join(" "));
  assert.deepEqual(
    grown,
    grown.toSorted((a, b) => a - b),
  );
});

test("a program of keepalived's sets the weight by its exit status", async (t) => {
  const folder = temporaryDirectory(t);
  const [status, script] = [join(folder, "status"), join(folder, "check")];
  const set = (code: number) => writeFileSync(status, `${code}\n`);
  writeFileSync(script, `#!/bin/sh\nexit $(cat ${status})\n`);
  chmodSync(script, 0o755);
  set(0);
  const one = await WebServer.start(t, "127.45.3.1");
  const check = `health: { type: external, style: keepalived, dynamic-weight: true, path: ${script}, ${FAST} }`;
  const text = config(await freePort(), [one], check);
  const uvsd = await Uvsd.start(t, { config: text.replace(one.key, `{ address: "${one.key}", weight: 5 }`) });
  for (const [code, weight] of [
    [0, 5],
    [12, 10],
    [0, 5],
    [1, 0],
  ]) {
    set(code);
    await waitFor(`weight ${weight}`, async () => (await realserver(uvsd, one.key)).weight === weight);
  }
});
