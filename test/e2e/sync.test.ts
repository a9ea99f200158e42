/** Two directors that share what they know: real forwarders, over loopback. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { askAll, CLIENTS, connected, KEY, knows, NAMES, pair, SYNC_PORT } from "../helpers/sync-directors.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

describe("two directors that share templates", () => {
  test("send a client to the same realserver, whoever has seen it first, also after both have restarted in turn", async (t) => {
    const { vips, start } = await pair(t);
    const [a, b] = [await start(0), await start(1)];
    const before = await askAll(vips[0]);
    assert.deepEqual(new Set(before), new Set(NAMES));
    await knows(b, CLIENTS.length);
    assert.deepEqual(await askAll(vips[1]), before);
    assert.equal(await a.stop(), 0);
    const again = await start(0);
    await knows(again, CLIENTS.length);
    assert.equal(await b.stop(), 0);
    assert.deepEqual(await askAll(vips[0]), before);
  });

  test("do not lose them with a forwarder that dies", async (t) => {
    const { vips, start } = await pair(t);
    const [, b] = [await start(0), await start(1)];
    const before = await askAll(vips[0]);
    await knows(b, CLIENTS.length);
    process.kill(await b.forwarderPid(), "SIGKILL");
    await waitFor("a new forwarder serves", async () => (await b.client.status()).forwarderRestarts === 1);
    assert.deepEqual(await askAll(vips[1]), before);
  });

  test("learn of a service that comes later what they were told before", async (t) => {
    const { vips, start } = await pair(t);
    const [, b] = [await start(0), await start(1)];
    const before = await askAll(vips[0]);
    await knows(b, CLIENTS.length);
    const [{ id, settings, realservers }] = (await b.client.runningConfig()).services;
    await b.client.deleteService(id);
    await b.client.flushTemplates();
    await knows(b, 0);
    await b.client.addService({ id, settings, realservers });
    await knows(b, CLIENTS.length);
    assert.deepEqual(await askAll(vips[1]), before);
  });

  test("with different keys learn nothing from one another, and say why", async (t) => {
    const { vips, start } = await pair(t);
    const [a, b] = [await start(0), await start(1, `${KEY} but not this`)];
    await askAll(vips[0]);
    for (const uvsd of [a, b]) {
      await waitFor("it is said", () => /director-\d\) has another key/.test(uvsd.output));
    }
    const { sync } = await b.client.haStatus();
    assert.equal(sync?.sources[0].received, 0);
    assert.notEqual(sync?.sources[0].state, "connected");
    assert.deepEqual(await b.client.templates({}), []);
  });

  test("serve as ever when the other one stands still, and go on when it wakes", async (t) => {
    const { vips, start } = await pair(t);
    const [a, b] = [await start(0), await start(1)];
    await connected(a, b);
    b.process.kill("SIGSTOP");
    const before = await askAll(vips[0]);
    await waitFor(
      "the other one is given up",
      async () => (await a.client.haStatus()).sync?.counters["silentPeers"] !== 0,
      20_000,
    );
    assert.deepEqual(await askAll(vips[0]), before);
    b.process.kill("SIGCONT");
    await knows(b, CLIENTS.length);
    assert.deepEqual(await askAll(vips[1]), before);
  });

  test("drain a realserver together, and begin with it again together", async (t) => {
    const { start, realservers } = await pair(t);
    const [a, b] = [await start(0), await start(1)];
    await connected(a, b);
    const id = { fwmark: 7, family: 4 } as const;
    const [{ address, port }] = realservers;
    const weightOf = async ({ client }: Uvsd): Promise<number | undefined> => {
      const [service] = await client.services();
      return service.realservers.find((server) => server.address === address)?.weight;
    };
    await a.client.drain(id, { address, port });
    await waitFor("b drains it", async () => (await weightOf(b)) === 0);
    await b.client.undrain(id, { address, port });
    await waitFor("a does so no longer", async () => (await weightOf(a)) === 1);
  });

  test("refuse to start with a key that others can read, and name it", async (t) => {
    const keyFile = join(await mkdtemp(join(tmpdir(), "uvs-key-")), "key");
    await writeFile(keyFile, KEY, { mode: 0o644 });
    t.after(() => rm(join(keyFile, ".."), { recursive: true, force: true }));
    const uvsd = await Uvsd.launch(t, {
      config: `ha: { sync: { listen: "${loopbackAddress()}:${SYNC_PORT}", peers: [ "127.0.0.1:1" ], key-file: ${keyFile} } }`,
    });
    assert.equal(await uvsd.exited(), 1);
    assert.match(uvsd.output, /key-file: .*mode 0644.*chmod 600/);
  });
});
