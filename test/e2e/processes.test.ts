/** Processes of a real director: what dies, what is replaced, what is kept. Both data planes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { DEFAULT_REALSERVER } from "../../src/core/model.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

/** A realserver that sends its name and then echoes. */
async function startNamed(t: TestContext, name: string): Promise<{ address: string; server: Server }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(name);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, server };
}

/** Connects and waits for the first bytes. */
async function ask(vip: string): Promise<{ socket: Socket; name: string }> {
  const socket = connect(8080, vip);
  socket.on("error", () => {});
  const [data] = (await once(socket, "data")) as [Buffer];
  return { socket, name: data.toString() };
}

async function echoOf(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, "data");
  socket.write(text);
  return ((await answer) as [Buffer])[0].toString();
}

for (const dataplane of ["native", "net"]) {
  describe(`director with the ${dataplane} data plane`, () => {
    const configOf = (vip: string, servers: readonly string[], rest = ""): string =>
      `dataplane: ${dataplane}
threads: 2
${rest}
services:
  - listen: tcp://${vip}:8080
    scheduler: rr
    realservers: [ ${servers.map((server) => `"${server}"`).join(", ")} ]
`;

    test("a killed forwarder is replaced, and a connection made meanwhile waits and is served", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address]) });
      const { socket } = await ask(vip);
      const pid = await uvsd.forwarderPid();
      const lost = once(socket, "close");
      process.kill(pid, "SIGKILL");
      const [{ name }] = await Promise.all([ask(vip), lost]);
      assert.equal(name, "one");
      await waitFor("another forwarder serves", async () => {
        const { forwarders, forwarderRestarts } = await uvsd.client.status();
        return forwarderRestarts === 1 && forwarders.length === 1 && forwarders[0].pid !== pid;
      });
    });

    test("totals go on counting over a forwarder that was killed", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address]) });
      const total = async () => (await uvsd.client.services())[0]?.totals.connections ?? 0;
      for (let i = 0; i < 3; i++) (await ask(vip)).socket.destroy();
      assert.equal(await total(), 3);
      const before = Date.now();
      // What was counted is fetched once a second: a crash loses no more than that.
      await waitFor("the totals were fetched", () => Date.now() - before > 1500);
      process.kill(await uvsd.forwarderPid(), "SIGKILL");
      await waitFor(
        "another forwarder serves",
        async () => (await uvsd.client.status()).forwarders[0]?.generation === 2,
      );
      (await ask(vip)).socket.destroy();
      assert.equal(await total(), 4);
    });

    test("an upgrade makes a new forwarder, and connections of the old one go on", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address]) });
      const { socket } = await ask(vip);
      uvsd.process.kill("SIGUSR2");
      await waitFor("the new forwarder serves and the old one drains", async () => {
        const states = (await uvsd.client.status()).forwarders.map(({ state }) => state);
        return states.join() === "serving,draining";
      });
      const second = await ask(vip);
      assert.equal(await echoOf(socket, "old"), "old");
      assert.equal(await echoOf(second.socket, "new"), "new");
      socket.end();
      await waitFor(
        "the old forwarder has ended",
        async () => (await uvsd.client.status()).forwarders.length === 1,
      );
      assert.equal(await echoOf(second.socket, "still"), "still");
      second.socket.destroy();
    });

    test("on SIGTERM new connections are refused, those that exist finish, and the exit code is 0", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address], "shutdown: { grace: 20s }") });
      const { socket } = await ask(vip);
      uvsd.process.kill("SIGTERM");
      await waitFor("new connections are refused", async () => {
        const attempt = connect(8080, vip);
        const outcome = await Promise.race([
          once(attempt, "connect").then(
            () => "connected",
            (error: NodeJS.ErrnoException) => error.code,
          ),
        ]);
        attempt.destroy();
        return outcome === "ECONNREFUSED";
      });
      assert.equal(await echoOf(socket, "after TERM"), "after TERM");
      socket.end();
      assert.equal(await uvsd.exited(), 0);
    });

    test("connections that do not finish are reset at the end of shutdown.grace", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address], "shutdown: { grace: 200ms }") });
      const { socket } = await ask(vip);
      const failure = new Promise<NodeJS.ErrnoException>((resolve) => socket.once("error", resolve));
      const exit = await uvsd.stop();
      assert.equal((await failure).code, "ECONNRESET");
      assert.equal(exit, 0);
    });

    test("SIGHUP applies the difference only: connections and the rest of the round stay", async (t) => {
      const [one, two, three] = await Promise.all(["one", "two", "three"].map((name) => startNamed(t, name)));
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [one.address, two.address]) });
      const first = await ask(vip);
      assert.equal(first.name, "two");
      await uvsd.rewrite(configOf(vip, [one.address, two.address, three.address]));
      uvsd.process.kill("SIGHUP");
      await waitFor(
        "the realserver is there",
        async () => (await uvsd.client.services())[0].realservers.length === 3,
      );
      assert.equal(await echoOf(first.socket, "still here"), "still here");
      const second = await ask(vip);
      assert.equal(second.name, "one", "the round goes on after two");
      const third = await ask(vip);
      assert.equal(third.name, "three");
      for (const { socket } of [first, second, third]) socket.destroy();
    });

    test("a bad file changes nothing at a reload and says why", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address]) });
      const before = (await uvsd.client.services()).map(({ settings, realservers }) => ({
        settings,
        realservers: realservers.map(({ address, port, weight }) => ({ address, port, weight })),
      }));
      await uvsd.rewrite(configOf(vip, [address]).replace("scheduler: rr", "scheduler: best"));
      await assert.rejects(() => uvsd.client.reload(), /uvs\.yaml:\d+:\d+:.*best/s);
      const after = (await uvsd.client.services()).map(({ settings, realservers }) => ({
        settings,
        realservers: realservers.map(({ address, port, weight }) => ({ address, port, weight })),
      }));
      assert.deepEqual(after, before);
      (await ask(vip)).socket.destroy();
    });

    test("services and realservers come and go by commands while connections go on", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address]) });
      const { socket } = await ask(vip);
      const [service] = await uvsd.client.services();
      await uvsd.client.deleteService(service.id);
      const attempt = connect(8080, vip);
      const [error] = (await once(attempt, "error")) as [NodeJS.ErrnoException];
      assert.equal(error.code, "ECONNREFUSED");
      assert.equal(await echoOf(socket, "goes on"), "goes on");
      await uvsd.client.addService({ id: service.id, settings: service.settings, realservers: [] });
      await uvsd.client.addRealserver(service.id, {
        ...DEFAULT_REALSERVER,
        address: "127.0.0.1",
        port: service.realservers[0].port,
      });
      const again = await ask(vip);
      assert.equal(again.name, "one");
      again.socket.destroy();
      socket.destroy();
    });

    test("killing the director ends its forwarder too", async (t) => {
      const { address } = await startNamed(t, "one");
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, [address]) });
      const pid = await uvsd.forwarderPid();
      uvsd.process.kill("SIGKILL");
      await waitFor("the forwarder has ended", () => {
        try {
          process.kill(pid, 0);
          return false;
        } catch {
          return true;
        }
      });
    });
  });
}
