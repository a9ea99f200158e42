import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ControlClient } from "../../src/control/client.js";
import { waitFor } from "../helpers/wait-for.js";

const DEMO = fileURLToPath(new URL("../../../scripts/demo.mjs", import.meta.url));
const VIP = "127.0.0.100";
const START_DEADLINE_MS = 30_000;

/** A demo that is running or has ended. */
interface Demo {
  readonly process: ChildProcess;
  output(): string;
  exitCode(): Promise<number | null>;
}

function startDemo(t: TestContext, ...options: string[]): Demo {
  const child = spawn(process.execPath, [DEMO, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const closed = once(child, "close");
  t.after(async () => {
    child.kill("SIGTERM");
    await closed;
  });
  return { process: child, output: () => output, exitCode: async () => (await closed)[0] };
}

/** A demo on free ports that has shown its round of answers. */
async function startedDemo(
  t: TestContext,
): Promise<Demo & { readonly port: number; readonly socket: string }> {
  const port = await freePort(VIP);
  const realserverPort = await freePort("127.0.0.11");
  const demo = startDemo(t, "--port", `${port}`, "--realserver-port", `${realserverPort}`);
  await waitFor(
    "the demo says how to stop it",
    () => demo.output().includes("Ctrl-C stops"),
    START_DEADLINE_MS,
  ).catch((error: Error) => assert.fail(`${error.message}\n${demo.output()}`));
  const [, socket] = /bin\/uvs status --socket (\S+)/.exec(demo.output())!;
  return { ...demo, port, socket };
}

async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function ask(port: number): Promise<string> {
  const [response] = await once(get({ host: VIP, port, agent: false }), "response");
  return (await response.setEncoding("utf8").toArray()).join("");
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("nine requests to the demo's VIP show the weights, and Ctrl-C ends it in order", async (t) => {
  const demo = await startedDemo(t);
  const counts: Record<string, number> = {};
  for (let i = 0; i < 9; i++) {
    const answer = (await ask(demo.port)).replace(/:\d+/, "");
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  assert.deepEqual(counts, {
    "realserver 127.0.0.11 (weight 4)\n": 4,
    "realserver 127.0.0.12 (weight 3)\n": 3,
    "realserver 127.0.0.13 (weight 2)\n": 2,
  });
  const { pid } = await new ControlClient(demo.socket).status();
  demo.process.kill("SIGINT");
  assert.equal(await demo.exitCode(), 0, demo.output());
  assert.equal(isAlive(pid), false);
  assert.equal(existsSync(dirname(demo.socket)), false);
});

test("a demo that is killed leaves neither director nor files", async (t) => {
  const demo = await startedDemo(t);
  const { pid } = await new ControlClient(demo.socket).status();
  demo.process.kill("SIGKILL");
  await waitFor("the director is gone", () => !isAlive(pid), START_DEADLINE_MS);
  await waitFor("the folder is gone", () => !existsSync(dirname(demo.socket)));
});

test("a taken VIP is said, with how to choose another", async (t) => {
  const taken = createServer().listen(0, VIP);
  t.after(() => taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const demo = startDemo(t, "--port", `${port}`);
  assert.equal(await demo.exitCode(), 1);
  assert.equal(
    demo.output(),
    `demo: cannot listen on ${VIP}:${port} for the VIP: another program has this port.\n` +
      "Choose another port or address: npm start -- --port 9090, or npm start -- --vip 127.0.0.101\n",
  );
});

test("a taken port of a realserver is said, with how to choose another", async (t) => {
  const taken = createServer().listen(0, "127.0.0.12");
  t.after(() => taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const demo = startDemo(t, "--port", `${await freePort(VIP)}`, "--realserver-port", `${port}`);
  assert.equal(await demo.exitCode(), 1);
  assert.match(demo.output(), /cannot listen on 127\.0\.0\.12:\d+ for a realserver: .*\n.*--realserver-port/);
});

test("an option that the demo does not take is refused with the usage", async (t) => {
  const demo = startDemo(t, "--port", "http");
  assert.equal(await demo.exitCode(), 2);
  assert.match(demo.output(), /--port: found "http", accepted is a port from 1 to 65535\n\nusage: npm start/);
});
