/** `uvs` with a real director that carries real connections. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkAnswer } from "../helpers/openapi.js";
import {
  connectTo,
  echo,
  loopbackAddress,
  outcome,
  ping,
  startRealserver,
  type TestRealserver,
} from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const UVS = fileURLToPath(new URL("../../src/bin/uvs.js", import.meta.url));
const PORT = 8080;

interface Scene {
  readonly uvsd: Uvsd;
  readonly vip: string;
  readonly realserver: TestRealserver;
  /** Opens a connection that is established on both sides. */
  connect(): Promise<Socket>;
}

async function scene(t: TestContext): Promise<Scene> {
  const vip = loopbackAddress();
  const realserver = await startRealserver(echo);
  t.after(() => realserver.close());
  const uvsd = await Uvsd.start(t, {
    config: `services: [ { listen: "tcp://${vip}:${PORT}", realservers: [ "127.0.0.1:${realserver.port}" ] } ]\n`,
  });
  const connect = async (): Promise<Socket> => {
    const socket = await connectTo({ address: vip, port: PORT });
    t.after(() => socket.destroy());
    await ping(socket, "hello");
    return socket;
  };
  return { uvsd, vip, realserver, connect };
}

/** Starts `uvs`; `output` grows while it runs. */
function start(uvsd: Uvsd, ...args: string[]): { output: string; ended: Promise<number> } {
  const child = spawn(process.execPath, [UVS, "--socket", uvsd.socket, ...args], { timeout: 60_000 });
  const run = { output: "", ended: once(child, "close").then(([exit]) => exit as number) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      run.output += chunk.toString();
    });
  }
  return run;
}

async function uvs(uvsd: Uvsd, ...args: string[]): Promise<string> {
  const run = start(uvsd, ...args);
  assert.equal(await run.ended, 0, run.output);
  return run.output;
}

test("conns lists what is carried, and kill resets it", async (t) => {
  const { uvsd, vip, realserver, connect } = await scene(t);
  const [first, second] = [await connect(), await connect()];
  const listed = await uvs(uvsd, "conns", "--service", `${vip}:${PORT}`);
  for (const { localPort } of [first, second]) {
    assert.match(
      listed,
      new RegExp(
        `tcp://${vip}:${PORT} +127\\.0\\.0\\.1:${localPort} +127\\.0\\.0\\.1:${realserver.port} +ESTABLISHED`,
      ),
    );
  }
  assert.equal(await uvs(uvsd, "conns", "--client", "192.0.2.1"), "no connections\n");
  assert.equal(await uvs(uvsd, "kill", "--client", "127.0.0.1"), "2 connections killed\n");
  assert.deepEqual(await Promise.all([outcome(first), outcome(second)]), ["reset", "reset"]);
  await waitFor("nothing is carried", async () => (await uvs(uvsd, "conns")) === "no connections\n");
});

test("drain --wait tells what is left until the last connection has ended, and loses none", async (t) => {
  const { uvsd, vip, realserver, connect } = await scene(t);
  const sockets = [await connect(), await connect()];
  const name = `tcp://${vip}:${PORT} realserver 127.0.0.1:${realserver.port}`;
  const drain = start(uvsd, "drain", `${vip}:${PORT}`, `127.0.0.1:${realserver.port}`, "--wait");
  await waitFor("the drain has begun", () => drain.output.includes("2 connections left"));
  assert.match(await uvs(uvsd, "status"), /draining for \d/);
  await ping(sockets[0], "still there");
  sockets[0].end();
  await waitFor("one is left", () => drain.output.includes("1 connection left"));
  sockets[1].end();
  assert.equal(await drain.ended, 0);
  assert.equal(drain.output, `${name}: 2 connections left\n${name}: 1 connection left\n${name}: drained\n`);
  assert.equal(
    await uvs(uvsd, "undrain", `${vip}:${PORT}`, `127.0.0.1:${realserver.port}`),
    `${name}: weight 1\n`,
  );
  await connect();
});

test("a drain with a deadline resets what is left then", async (t) => {
  const { uvsd, vip, realserver, connect } = await scene(t);
  const socket = await connect();
  const drained = uvs(
    uvsd,
    "drain",
    `${vip}:${PORT}`,
    `127.0.0.1:${realserver.port}`,
    "--deadline",
    "300ms",
    "--wait",
  );
  assert.equal(await outcome(socket), "reset");
  assert.match(await drained, /: drained\n$/);
});

test("a real director answers what docs/openapi.json says", async (t) => {
  const { uvsd, vip, realserver, connect } = await scene(t);
  await connect();
  const { client } = uvsd;
  await client.drain({ protocol: "tcp", address: vip, port: PORT }, realserver, 600_000);
  checkAnswer("GET", "/v1/status", 200, await client.status());
  checkAnswer("GET", "/v1/services", 200, { services: await client.services() });
  checkAnswer("GET", "/v1/config", 200, await client.runningConfig());
  checkAnswer("GET", "/v1/sysctls", 200, await client.sysctls());
  checkAnswer("GET", "/v1/timeouts", 200, await client.timeouts());
  const connections = await client.liveConnections({});
  assert.equal(connections.length, 1);
  checkAnswer("GET", "/v1/connections", 200, { connections });
  checkAnswer("GET", "/v1/connection-table", 200, { entries: await client.connections() });
});
