/** Two directors that share what they know: real forwarders, over loopback. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const CLIENTS = Array.from({ length: 12 }, (_, i) => `127.67.0.${i + 1}`);
const NAMES = ["one", "two", "three"];
const PORT = 28080;
const SYNC_PORT = 28694;
const KEY = "the key that both directors have in these tests";

interface Pair {
  readonly vips: readonly [string, string];
  readonly addresses: readonly [string, string];
  readonly realservers: readonly { readonly address: string; readonly port: number }[];
  /** Starts one of both, with a key of its own if that is given. */
  start(which: 0 | 1, key?: string): Promise<Uvsd>;
}

/** Realservers that greet with their name; under a mark they are asked at the port that the client asked at. */
async function startServers(t: TestContext): Promise<string[]> {
  const addresses: string[] = [];
  for (const name of NAMES) {
    const address = loopbackAddress();
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("end", () => socket.end()).resume();
      socket.write(name);
    });
    server.listen(PORT, address);
    await once(server, "listening");
    t.after(() => server.close());
    addresses.push(address);
  }
  return addresses;
}

/** Both have the same service; each test asks the directors one by one, as if the floating address were there. */
async function pair(t: TestContext): Promise<Pair> {
  const servers = await startServers(t);
  const folder = await mkdtemp(join(tmpdir(), "uvs-key-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  // The service is the same on both by its mark: the address can be on one of them only.
  const vips = [loopbackAddress(), loopbackAddress()] as const;
  const addresses = [loopbackAddress(), loopbackAddress()] as const;
  return {
    vips,
    addresses,
    realservers: servers.map((address) => ({ address, port: 0 })),
    async start(which, key = KEY) {
      const keyFile = join(folder, `key-${which}-${key.length}`);
      await writeFile(keyFile, key, { mode: 0o600 });
      return Uvsd.start(t, {
        config: `threads: 1
services:
  - listen: tcp://${vips[which]}:${PORT}
    mark: 7
    scheduler: rr
    persistence: { timeout: 300s }
    realservers: [ ${servers.map((address) => `"${address}:0"`).join(", ")} ]
ha:
  sync:
    node: director-${which}
    listen: "${addresses[which]}:${SYNC_PORT}"
    peers: [ "${addresses[1 - which]}:${SYNC_PORT}" ]
    key-file: ${keyFile}
`,
      });
    },
  };
}

/** The name of the realserver that a director sends a client to. */
async function ask(vip: string, client: string): Promise<string> {
  const socket = connect({ host: vip, port: PORT, localAddress: client });
  socket.on("error", () => {});
  const name = await new Promise<string>((resolve, reject) => {
    socket.once("data", (data) => resolve(data.toString()));
    socket.once("close", () => reject(new Error(`${client} was refused by ${vip}`)));
  });
  socket.end();
  await once(socket, "close");
  return name;
}

async function askAll(vip: string, clients = CLIENTS): Promise<string[]> {
  const names: string[] = [];
  for (const client of clients) names.push(await ask(vip, client));
  return names;
}

const knows = (uvsd: Uvsd, count: number) =>
  waitFor(`${count} templates are known: ${uvsd.output}`, async () => {
    return (await uvsd.client.templates({})).length === count;
  });

const connected = (...directors: readonly Uvsd[]) =>
  waitFor("the directors are connected both ways", async () => {
    const all = await Promise.all(directors.map(({ client }) => client.haStatus()));
    return all.every(({ sync }) => sync?.receivers.length === 1 && sync.sources[0].state === "connected");
  });

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
