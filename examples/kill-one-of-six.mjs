#!/usr/bin/env node
// Kills one of six realservers under load and prints how many requests of clients failed: none should. A connection to the
// dead realserver is refused and goes to another one, unseen by the client, until the check takes it out.
//
// It is killed between two requests: what a realserver has taken of a request dies with it, and nobody in between could know
// whether it may be asked again. With --in-flight it is killed at any time, and those requests are counted.
//
//   node examples/kill-one-of-six.mjs [--in-flight]
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SELF = fileURLToPath(import.meta.url);
const UVSD = fileURLToPath(new URL("../bin/uvsd", import.meta.url));
const VIP = "127.46.0.100";
const REALSERVERS = [1, 2, 3, 4, 5, 6].map((n) => `127.46.0.${n}`);
const CLIENTS = 8;
const START_DEADLINE_MS = 20_000;
/** Of each client, before and after the kill. */
const REQUESTS = 200;

/** A realserver: a process that says its address. */
async function serve(address) {
  const server = createServer((_, answer) => answer.setHeader("connection", "close").end(address));
  server.listen(0, address);
  await once(server, "listening");
  process.send(server.address().port);
  process.once("disconnect", () => process.exit());
}

/** One request on a connection of its own; the address of the realserver that answered. */
function ask(port) {
  return new Promise((resolve, reject) => {
    const asked = get({ host: VIP, port, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => {
        text += chunk;
      });
      answer.on("end", () => resolve(text));
      answer.on("error", reject);
    });
    asked.on("error", reject);
  });
}

async function freePort() {
  const server = createServer().listen(0, VIP);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Asks until each realserver has answered: the checks have passed. */
async function waitForAll(port) {
  const deadline = Date.now() + START_DEADLINE_MS;
  const seen = new Set();
  while (seen.size < REALSERVERS.length) {
    if (Date.now() > deadline) throw new Error(`only ${[...seen].join(", ") || "nobody"} serves`);
    await ask(port).then(
      (address) => seen.add(address),
      () => {},
    );
  }
}

/** Lets all clients ask; counts answers by realserver, and failures by what was said. */
async function load(port, answers, failures) {
  const client = async () => {
    for (let i = 0; i < REQUESTS; i++) {
      await ask(port).then(
        (address) => answers.set(address, (answers.get(address) ?? 0) + 1),
        (error) => failures.push(error.message),
      );
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function main() {
  const { values } = parseArgs({ options: { "in-flight": { type: "boolean", default: false } } });
  const folder = mkdtempSync(join(tmpdir(), "uvs-kill-one-"));
  const children = REALSERVERS.map((address) => fork(SELF, ["--serve", address]));
  let director;
  try {
    const ports = await Promise.all(children.map(async (child) => (await once(child, "message"))[0]));
    const port = await freePort();
    const file = join(folder, "uvs.yaml");
    writeFileSync(
      file,
      `services:
  - listen: tcp://${VIP}:${port}
    scheduler: rr
    realservers: [${REALSERVERS.map((address, i) => `"${address}:${ports[i]}"`).join(", ")}]
    health: { type: connect, interval: 500ms, fall: 2, rise: 1 }
`,
    );
    director = spawn(UVSD, ["-c", file, "--socket", join(folder, "uvsd.sock")], { stdio: "ignore" });
    await waitForAll(port);
    const [answers, failures] = [new Map(), []];
    const before = load(port, answers, failures);
    if (values["in-flight"]) await ask(port);
    else await before;
    children[0].kill("SIGKILL");
    if (children[0].exitCode === null && children[0].signalCode === null) await once(children[0], "exit");
    // The check has not noticed yet.
    await Promise.all([before, load(port, answers, failures)]);
    for (const address of REALSERVERS) console.log(`${address}  ${answers.get(address) ?? 0} answers`);
    const total = [...answers.values()].reduce((sum, count) => sum + count, failures.length);
    console.log(`${total} requests, ${failures.length} failed; ${REALSERVERS[0]} was killed`);
    return failures.length === 0 ? 0 : 1;
  } finally {
    director?.kill("SIGTERM");
    for (const child of children) child.kill("SIGKILL");
    if (director !== undefined && director.exitCode === null) await once(director, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === "--serve") await serve(process.argv[3]);
else process.exitCode = await main();
