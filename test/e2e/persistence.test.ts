/** Persistence of a real director: clients of many addresses, services of all ports, marks, what dies and what is restarted. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFile, readFile, stat, truncate } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { loopbackAddress } from "../helpers/tcp.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const CLIENTS = Array.from({ length: 24 }, (_, i) => `127.66.${i % 3}.${i + 1}`);

/** Realservers that send their address and port; on loopback addresses of their own, with these ports or any. */
async function startServers(
  t: TestContext,
  count: number,
  ports: readonly number[] = [0],
): Promise<string[]> {
  const addresses: string[] = [];
  for (let i = 0; i < count; i++) {
    const address = loopbackAddress();
    let bound = 0;
    for (const port of ports) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.write(`${address}:${socket.localPort}`);
        socket.resume();
        socket.on("end", () => socket.end());
      });
      server.listen(port, address);
      await once(server, "listening");
      t.after(() => server.close());
      bound = (server.address() as { port: number }).port;
    }
    addresses.push(ports.length === 1 && ports[0] === 0 ? `${address}:${bound}` : address);
  }
  return addresses;
}

async function open(vip: string, port: number, client: string): Promise<{ socket: Socket; name: string }> {
  const socket = connect({ host: vip, port, localAddress: client });
  socket.on("error", () => {});
  const name = await new Promise<string>((resolve, reject) => {
    socket.once("data", (data) => resolve(data.toString()));
    socket.once("close", () => reject(new Error(`${client} was refused by ${vip}:${port}`)));
  });
  return { socket, name };
}

/** Who answers the client; the connection is closed. */
async function ask(vip: string, port: number, client: string): Promise<string> {
  const { socket, name } = await open(vip, port, client);
  socket.end();
  await once(socket, "close");
  return name;
}

async function askAll(vip: string, port = 8080): Promise<string[]> {
  const names: string[] = [];
  for (const client of CLIENTS) names.push(await ask(vip, port, client));
  return names;
}

function configOf(vip: string, servers: readonly string[], rest = "", timeout = "300s"): string {
  return `${rest}
services:
  - listen: tcp://${vip}:8080
    scheduler: rr
    persistence: { timeout: ${timeout} }
    realservers: [ ${servers.map((server) => `"${server}"`).join(", ")} ]
`;
}

/** Resolves when the templates of all clients are in the journal: then the primary has copied them. */
async function copied(journal: string): Promise<void> {
  await waitFor("the templates are in the journal", async () => {
    const text = await readFile(journal, "utf8").catch(() => "");
    return CLIENTS.every((client) => text.includes(`,${wordOf(client)},`));
  });
}

function stateDirectory(t: TestContext): { state: string; journal: string } {
  const directory = temporaryDirectory(t);
  return { state: `state: ${directory}`, journal: join(directory, "templates.journal") };
}

function wordOf(address: string): number {
  return address.split(".").reduce((word, part) => (word << 8) | Number(part), 0);
}

for (const dataplane of ["native", "net"]) {
  describe(`persistence with the ${dataplane} data plane`, () => {
    const plane = `dataplane: ${dataplane}\nthreads: 2`;

    test("clients come back to their realserver, and uvs and uvsadm can show it", async (t) => {
      const servers = await startServers(t, 3);
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers, plane) });
      const first = await askAll(vip);
      assert.deepEqual(new Set(first), new Set(servers));
      assert.deepEqual(await askAll(vip), first);
      const templates = await uvsd.client.templates({ client: CLIENTS[0] });
      assert.deepEqual(
        templates.map(({ client, realserver, state, valid }) => ({ client, realserver, state, valid })),
        [
          {
            client: CLIENTS[0],
            realserver: { address: first[0].split(":")[0], port: Number(first[0].split(":")[1]) },
            state: "ASSURED",
            valid: true,
          },
        ],
      );
      const [{ realservers }] = await uvsd.client.services();
      assert.equal(
        realservers.reduce((sum, { persistent }) => sum + persistent, 0),
        CLIENTS.length,
      );
      const entries = await uvsd.client.connections();
      assert.equal(entries.filter(({ client }) => client.port === 0).length, CLIENTS.length);
      assert.equal(await uvsd.client.flushTemplates(), CLIENTS.length);
      assert.deepEqual(await uvsd.client.templates({}), []);
    });

    test("a forwarder that is killed takes no template with it, nor one that a connection holds", async (t) => {
      const servers = await startServers(t, 3);
      const vip = loopbackAddress();
      const { state, journal } = stateDirectory(t);
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers, `${plane}\n${state}`) });
      const before = await askAll(vip);
      const held = await open(vip, 8080, CLIENTS[5]);
      await copied(journal);
      process.kill(await uvsd.forwarderPid(), "SIGKILL");
      await once(held.socket, "close");
      assert.deepEqual(await askAll(vip), before);
    });

    test("an upgrade takes the templates along", async (t) => {
      const servers = await startServers(t, 3);
      const vip = loopbackAddress();
      const { state, journal } = stateDirectory(t);
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers, `${plane}\n${state}`) });
      const before = await askAll(vip);
      await copied(journal);
      uvsd.process.kill("SIGUSR2");
      await waitFor("the new forwarder serves alone", async () => {
        const { forwarders } = await uvsd.client.status();
        return forwarders.length === 1 && forwarders[0].generation === 2;
      });
      assert.deepEqual(await askAll(vip), before);
    });

    test("a service of all ports keeps a client's ports together, and a port of its own goes first", async (t) => {
      const ports = [28021, 28022, 28023];
      const servers = await startServers(t, 3, ports);
      const [vip, own] = [loopbackAddress(), (await startServers(t, 1))[0]];
      const config = `${plane}
services:
  - listen: tcp://${vip}:0
    ports: [28021, "28022-28023"]
    scheduler: rr
    persistence: { timeout: 300s }
    realservers: [ ${servers.map((server) => `"${server}:0"`).join(", ")} ]
`;
      const uvsd = await Uvsd.start(t, { config });
      for (const client of CLIENTS.slice(0, 6)) {
        const names: string[] = [];
        for (const port of ports) names.push(await ask(vip, port, client));
        assert.deepEqual(new Set(names.map((name) => name.split(":")[0])).size, 1, `${client}: ${names}`);
        assert.deepEqual(
          names.map((name) => Number(name.split(":")[1])),
          ports,
        );
      }
      const exact = { protocol: "tcp", address: vip, port: 28022 } as const;
      const [{ settings }] = await uvsd.client.services();
      const [address, port] = own.split(":");
      await uvsd.client.addService({
        id: exact,
        settings: { ...settings, listenOn: undefined },
        realservers: [
          {
            address,
            port: Number(port),
            weight: 1,
            forwarding: "masq",
            upperThreshold: 0,
            lowerThreshold: 0,
          },
        ],
      });
      assert.equal(await ask(vip, 28022, CLIENTS[0]), own);
      assert.notEqual(await ask(vip, 28021, CLIENTS[0]), own);
      await uvsd.client.deleteService(exact);
      assert.equal(
        await ask(vip, 28022, CLIENTS[0]),
        (await ask(vip, 28021, CLIENTS[0])).replace("28021", "28022"),
      );
    });

    test("80 and 443 under one mark stay together, and the mark goes before the address", async (t) => {
      const servers = await startServers(t, 3, [28080, 28443]);
      const [vip, other] = [loopbackAddress(), (await startServers(t, 1))[0]];
      const config = `${plane}
services:
  - listen: tcp://${vip}:28080
    realservers: [ "${other}" ]
  - listen: [ "tcp://${vip}:28080", "tcp://${vip}:28443" ]
    mark: 8
    scheduler: rr
    persistence: { timeout: 300s }
    realservers: [ ${servers.map((server) => `"${server}:0"`).join(", ")} ]
`;
      const uvsd = await Uvsd.start(t, { config });
      for (const client of CLIENTS.slice(0, 6)) {
        const http = await ask(vip, 28080, client);
        assert.equal(await ask(vip, 28443, client), http.replace("28080", "28443"));
        assert.notEqual(http, other);
      }
      await uvsd.client.deleteService({ fwmark: 8, family: 4 });
      assert.equal(await ask(vip, 28080, CLIENTS[0]), other);
    });
  });
}

describe("the journal of templates", () => {
  test("lets clients come back after a restart, also after a kill, and after a tail that was damaged", async (t) => {
    const servers = await startServers(t, 3);
    const vip = loopbackAddress();
    const { state, journal } = stateDirectory(t);
    const config = configOf(vip, servers, state);

    const first = await Uvsd.start(t, { config });
    const before = await askAll(vip);
    assert.equal(await first.stop(), 0);
    const second = await Uvsd.start(t, { config });
    assert.equal((await second.client.templates({})).length, CLIENTS.length);
    assert.deepEqual(await askAll(vip), before);

    await copied(journal);
    second.process.kill("SIGKILL");
    await second.exited();
    const { size } = await stat(journal);
    await appendFile(journal, "0123abcd {torn");
    const third = await Uvsd.start(t, { config });
    assert.match(third.output, /damaged/);
    assert.deepEqual(await askAll(vip), before);
    assert.equal(await third.stop(), 0);

    await truncate(journal, Math.min(size, 100));
    const fourth = await Uvsd.start(t, { config });
    assert.match(fourth.output, /damaged/);
    assert.equal(new Set(await askAll(vip)).size, 3, "it serves all the same");
  });
});
