// The demo: three small realservers in this process and a director in front of them, as examples/demo.yaml has it.
// Shows a round of answers, says what to type, and stops with Ctrl-C. `npm start -- --help` lists the options.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { createServer as createTcpServer, isIP, isIPv6 } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parse, stringify } from "yaml";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const UVSD = join(ROOT, "bin/uvsd");
const GUARD = join(ROOT, "scripts/demo-guard.mjs");
const START_DEADLINE_MS = 20_000;
/** Longer than `shutdown.grace` of the demo: a director that is still there then hangs. */
const STOP_DEADLINE_MS = 10_000;

const USAGE = `usage: npm start -- [--vip ADDRESS] [--port PORT] [--realserver-port PORT]

  --vip ADDRESS            where the director listens instead of the VIP in examples/demo.yaml
  --port PORT              the same for its port
  --realserver-port PORT   the same for the port of the realservers`;

/** A way in which the demo ends that the reader can do something about; its message says what. */
class Refusal extends Error {
  exitCode = 1;
}

class UsageError extends Refusal {
  exitCode = 2;
}

function parseOptions() {
  const text = { type: "string" };
  const options = { vip: text, port: text, "realserver-port": text, help: { type: "boolean", short: "h" } };
  try {
    const { values } = parseArgs({ options });
    if (values.vip !== undefined && isIP(values.vip) === 0) {
      throw new Error(`--vip: found "${values.vip}", accepted is an IP address of this machine`);
    }
    for (const name of ["port", "realserver-port"]) {
      if (values[name] !== undefined) values[name] = parsePort(name, values[name]);
    }
    return values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${USAGE}`);
  }
}

function parsePort(name, text) {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new Error(`--${name}: found "${text}", accepted is a port from 1 to 65535`);
}

const endpointText = ({ address, port }) => (isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`);

/** `tcp://127.0.0.100:8080` or `127.0.0.11:8000` as address and port. */
function parseEndpoint(text) {
  const { hostname, port } = new URL(text.includes("://") ? text : `tcp://${text}`);
  return { address: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** The demo's file with the options applied: the text for uvsd, and what this script needs to know of it. */
function readPlan(options) {
  const path = join(ROOT, "examples/demo.yaml");
  const config = parse(readFileSync(path, "utf8"));
  const [service] = config.services;
  const { address, port } = parseEndpoint(service.listen);
  const vip = { address: options.vip ?? address, port: options.port ?? port };
  service.listen = `tcp://${endpointText(vip)}`;
  for (const realserver of service.realservers) {
    const own = parseEndpoint(realserver.address);
    realserver.address = endpointText({ ...own, port: options["realserver-port"] ?? own.port });
  }
  return { vip, realservers: service.realservers, scheduler: service.scheduler, text: stringify(config) };
}

/** Listens, or refuses with what to do about it. */
async function listen(server, { address, port }, what, advice) {
  server.listen(port, address);
  try {
    await once(server, "listening");
  } catch (error) {
    const reasons = {
      EADDRINUSE: "another program has this port",
      EADDRNOTAVAIL: "this machine does not have this address",
      EACCES: "this port needs more rights (ports below 1024 are for root)",
    };
    const reason = reasons[error.code] ?? error.message;
    throw new Refusal(
      `cannot listen on ${endpointText({ address, port })} for ${what}: ${reason}.\n${advice}`,
    );
  }
}

async function startRealserver({ address, weight }) {
  const server = createServer((_, response) => {
    // So that a browser makes a new connection for each page, and sees another realserver.
    response.setHeader("connection", "close");
    response.end(`realserver ${address} (weight ${weight})\n`);
  });
  const advice = "Choose another port for the realservers: npm start -- --realserver-port 9000";
  await listen(server, parseEndpoint(address), "a realserver", advice);
  return server;
}

/** The director would refuse as well; this says it in the demo's words before anything is started. */
async function checkVip(vip) {
  const server = createTcpServer();
  const advice =
    "Choose another port or address: npm start -- --port 9090, or npm start -- --vip 127.0.0.101";
  await listen(server, vip, "the VIP", advice);
  server.close();
  await once(server, "close");
}

/**
 * Starts uvsd in a process group of its own: Ctrl-C reaches this script alone, which then stops uvsd in order. The guard
 * stops it when this script is killed.
 */
function startDirector(folder, socket) {
  const start = (stdio, ...args) => spawn(process.execPath, args, { stdio, detached: true });
  const configFile = join(folder, "demo.yaml");
  const director = start(["ignore", "inherit", "inherit"], UVSD, "-c", configFile, "--socket", socket);
  const guard = start(["pipe", "ignore", "ignore"], GUARD, String(director.pid), folder);
  return { director, guard };
}

const hasEnded = (child) => child.exitCode !== null || child.signalCode !== null;
const howEnded = (child) => child.signalCode ?? `exit code ${child.exitCode}`;

/** One request over a connection of its own. */
async function ask({ address, port }) {
  const request = get({ host: address, port, agent: false, timeout: 5000 });
  request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
  const [response] = await once(request, "response");
  return (await response.setEncoding("utf8").toArray()).join("").trimEnd();
}

async function waitForVip(vip, director) {
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    if (hasEnded(director)) throw new Refusal(`uvsd ended with ${howEnded(director)}`);
    const answer = await ask(vip).catch(() => undefined);
    if (answer !== undefined) return;
    if (performance.now() > deadline) {
      throw new Refusal(`${endpointText(vip)} did not answer within ${START_DEADLINE_MS / 1000} s`);
    }
    await delay(50);
  }
}

async function show({ vip, realservers, scheduler }, socket) {
  const url = `http://${endpointText(vip)}/`;
  const round = realservers.reduce((sum, { weight }) => sum + weight, 0);
  console.log(`\n${url} is a virtual service of ${realservers.length} realservers, scheduler ${scheduler}.`);
  console.log(`${round} requests to it, a connection each:\n`);
  for (let i = 1; i <= round; i++) console.log(`  ${i}  ${await ask(vip)}`);
  console.log(`
Try, in another terminal in ${ROOT}:

  curl ${url}
  for i in $(seq ${round}); do curl -s ${url}; done
  bin/uvs status --socket ${socket}

Ctrl-C stops the demo.`);
}

async function stopDirector({ director, guard }) {
  guard.kill();
  if (hasEnded(director)) return;
  director.kill("SIGTERM");
  const timer = setTimeout(() => director.kill("SIGKILL"), STOP_DEADLINE_MS);
  await once(director, "exit");
  clearTimeout(timer);
}

/** Runs until `interrupted` resolves, with the name of the signal. @returns exit code */
async function run(interrupted) {
  const options = parseOptions();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const plan = readPlan(options);
  await checkVip(plan.vip);
  const folder = mkdtempSync(join(tmpdir(), "uvs-demo-"));
  const realservers = [];
  let started;
  try {
    for (const realserver of plan.realservers) realservers.push(await startRealserver(realserver));
    writeFileSync(join(folder, "demo.yaml"), plan.text);
    const socket = join(folder, "uvsd.sock");
    started = startDirector(folder, socket);
    const { director } = started;
    const died = once(director, "exit").then(() => {
      throw new Refusal(`uvsd ended with ${howEnded(director)}`);
    });
    const shown = waitForVip(plan.vip, director).then(() => show(plan, socket));
    const signal = await Promise.race([interrupted, died, shown.then(() => interrupted)]);
    console.log(`\n${signal}: stopping`);
    await stopDirector(started);
    return director.exitCode ?? 1;
  } finally {
    if (started !== undefined) await stopDirector(started);
    for (const server of realservers) server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// The handlers stay: a terminal and npm may both pass on the same Ctrl-C.
const interrupted = new Promise((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, resolve);
});

try {
  process.exit(await run(interrupted));
} catch (error) {
  console.error(error instanceof Refusal ? `demo: ${error.message}` : error);
  process.exit(error.exitCode ?? 1);
}
