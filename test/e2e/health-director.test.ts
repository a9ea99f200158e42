/** Health checks inside a running director: real sockets, real scripts, weights as the forwarder obeys them. */
import assert from "node:assert/strict";
import { chmod, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
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

for (const onDown of ["quiesce", "remove"]) {
  test(`a realserver that fails its http check leaves and comes back (${onDown})`, async (t) => {
    const [one, two] = [await WebServer.start(t, "127.41.0.1"), await WebServer.start(t, "127.41.0.2")];
    const port = await freePort();
    const health = `health: { type: http, path: /health, ${FAST} }\non-down: ${onDown}`;
    const uvsd = await Uvsd.start(t, { config: config(port, [one, two], health) });
    await isIn(uvsd, one);
    await isIn(uvsd, two);
    two.isWell = false;
    await isOut(uvsd, two);
    const answers = await Promise.all(Array.from({ length: 10 }, () => get(port)));
    assert.deepEqual(new Set(answers), new Set([one.address]));
    const { health: summary } = await realserver(uvsd, two.key);
    assert.match(summary?.reason ?? "", /status 503/);
    two.isWell = true;
    await isIn(uvsd, two);
    const again = await Promise.all(Array.from({ length: 10 }, () => get(port)));
    assert.deepEqual(new Set(again), new Set([one.address, two.address]));
    const { changes, services } = await uvsd.client.health();
    assert.deepEqual(
      services.map(({ up }) => up),
      [true],
    );
    assert.ok(changes.some(({ realserver: key, to }) => key === two.key && to === "down"));
  });
}

test("a service without health is left as it is", async (t) => {
  const one = await WebServer.start(t, "127.41.0.3");
  const uvsd = await Uvsd.start(t, { config: config(await freePort(), [one], "") });
  const { health, weight } = await realserver(uvsd, one.key);
  assert.deepEqual({ health, weight }, { health: undefined, weight: 1 });
  assert.deepEqual((await uvsd.client.health()).services, []);
});

test("when one of six realservers is killed under load, not one request fails", async (t) => {
  const servers: WebServer[] = [];
  for (let i = 1; i <= 6; i++) servers.push(await WebServer.start(t, `127.42.0.${i}`));
  const port = await freePort();
  const health = `health: { type: connect, ${FAST} }`;
  const uvsd = await Uvsd.start(t, { config: config(port, servers, health) });
  for (const server of servers) await isIn(uvsd, server);
  let requests = 0;
  let isOver = false;
  let underWay = 0;
  let gate: Promise<void> = Promise.resolve();
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    while (!isOver) {
      await gate;
      underWay++;
      await get(port).catch((error: Error) => failures.push(error.message));
      underWay--;
      requests++;
    }
  };
  const clients = Array.from({ length: 8 }, client);
  await waitFor("there is load", () => requests > 100);
  // Between two requests: what a server has taken of a request dies with it, and nobody could ask again.
  const [victim] = servers;
  let open = (): void => {};
  gate = new Promise((resolve) => {
    open = resolve;
  });
  await waitFor("no request is under way", () => underWay === 0);
  victim.kill();
  open();
  await isOut(uvsd, victim);
  const before = requests;
  await waitFor("the load goes on", () => requests > before + 100);
  isOver = true;
  await Promise.all(clients);
  t.diagnostic(`${requests} requests, ${failures.length} failed`);
  assert.deepEqual(failures, []);
});

test("a drained realserver stays at weight 0 while its checks pass", async (t) => {
  const [one, two] = [await WebServer.start(t, "127.41.0.4"), await WebServer.start(t, "127.41.0.5")];
  const port = await freePort();
  const uvsd = await Uvsd.start(t, {
    config: config(port, [one, two], `health: { type: http, path: /health, ${FAST} }`),
  });
  await isIn(uvsd, two);
  const id = { protocol: "tcp", address: "127.0.0.1", port } as const;
  await uvsd.client.drain(id, { address: two.address, port: two.port });
  await isIn(uvsd, one);
  two.isWell = false;
  await isOut(uvsd, two);
  two.isWell = true;
  await waitFor("its check passes", async () => {
    const [service] = (await uvsd.client.health()).services;
    return service.realservers.find(({ key }) => key === two.key)?.checks[0].state === "up";
  });
  assert.equal((await realserver(uvsd, two.key)).weight, 0);
  await uvsd.client.undrain(id, { address: two.address, port: two.port });
  await isIn(uvsd, two);
});

test("a flag file drains the realservers, and its absence brings them back", async (t) => {
  const folder = temporaryDirectory(t);
  const flag = join(folder, "maintenance");
  const one = await WebServer.start(t, "127.41.0.6");
  const health = `health: { type: file, path: ${flag}, action: drain, ${FAST} }`;
  const uvsd = await Uvsd.start(t, { config: config(await freePort(), [one], health) });
  await isIn(uvsd, one);
  await writeFile(flag, "");
  await waitFor("it is drained", async () => {
    const { health: summary, weight } = await realserver(uvsd, one.key);
    return summary?.state === "drain" && weight === 0;
  });
  await unlink(flag);
  await isIn(uvsd, one);
});

test("an alert program is called with mon's arguments when a realserver goes down, and when it is up again", async (t) => {
  const folder = temporaryDirectory(t);
  const log = join(folder, "log");
  const script = join(folder, "alert");
  await writeFile(script, `#!/bin/sh\necho "$@" >> ${log}\n`);
  await chmod(script, 0o755);
  const one = await WebServer.start(t, "127.41.0.7");
  const health = [
    `health: { type: http, path: /health, ${FAST} }`,
    `alerts: [{ down: [${script} mailto], up: [${script}], every: 1h }]`,
  ].join("\n");
  const uvsd = await Uvsd.start(t, { config: config(await freePort(), [one], health) });
  await isIn(uvsd, one);
  one.isWell = false;
  const logged = () => readFile(log, "utf8").catch(() => "");
  await waitFor("the alert is called", async () => /-s .*-g .*-h .*-t \d+/.test(await logged()));
  one.isWell = true;
  await waitFor("the upalert is called", async () => (await logged()).trim().split("\n").length === 2);
  assert.match((await logged()).split("\n")[1], /-u/);
});

test("an external program is a check, and a reload exchanges checks without losing the service", async (t) => {
  const folder = temporaryDirectory(t);
  const script = join(folder, "check");
  await writeFile(script, "#!/bin/sh\necho no; exit 1\n");
  await chmod(script, 0o755);
  const one = await WebServer.start(t, "127.41.0.8");
  const port = await freePort();
  const external = `health: { type: external, path: ${script}, ${FAST} }`;
  const uvsd = await Uvsd.start(t, { config: config(port, [one], external) });
  await isOut(uvsd, one);
  assert.equal((await realserver(uvsd, one.key)).weight, 0);
  await uvsd.rewrite(config(port, [one], `health: { type: http, path: /health, ${FAST} }`));
  await uvsd.client.reload();
  await isIn(uvsd, one);
  await uvsd.rewrite(config(port, [one], ""));
  await uvsd.client.reload();
  const { health, weight } = await realserver(uvsd, one.key);
  assert.deepEqual({ health, weight }, { health: undefined, weight: 1 });
});

test("connections that fail eject a realserver without any check, and alerts tell of it", async (t) => {
  const folder = temporaryDirectory(t);
  const log = join(folder, "log");
  const script = join(folder, "alert");
  await writeFile(script, `#!/bin/sh\necho "$@" "$UVS_NEW_STATE" "$UVS_REASON" >> ${log}\n`);
  await chmod(script, 0o755);
  const [one, two] = [await WebServer.start(t, "127.41.0.9"), await WebServer.start(t, "127.41.0.10")];
  const port = await freePort();
  const passive = `passive: { error-limit: 3, base: 1s }\nalerts: [{ down: [${script}], up: [${script}], every: 1h }]`;
  const uvsd = await Uvsd.start(t, { config: config(port, [one, two], passive) });
  await isIn(uvsd, two);
  two.stopAccepting();
  await waitFor("it is ejected", async () => {
    assert.equal(await get(port), one.address);
    return (await realserver(uvsd, two.key)).health?.state === "ejected";
  });
  const logged = async () => (await readFile(log, "utf8").catch(() => "")).trim().split("\n");
  const told = /^-s passive -g tcp:.* -h 127.41.0.10 .*ejected ejected for 1 s: connections to it fail$/;
  await waitFor("the alert is called", async () => told.test((await logged())[0]));
  await two.acceptAgain();
  await waitFor("the upalert is called", async () => {
    await get(port);
    return (await logged()).length === 2;
  });
  assert.match((await logged())[1], / -u up /);
});
