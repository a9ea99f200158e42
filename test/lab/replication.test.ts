/** Two whole directors in network namespaces: who takes over knows the clients, and takes over at once when it is asked. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { HaInstanceStatus } from "../../src/core/ha-status.js";
import { Authority } from "../helpers/authority.js";
import { Uvsd } from "../helpers/uvsd.js";
import { type LabHost, labMissing, VrrpLab } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const VIP = "10.79.0.100";
const PORT = 8080;
const REALSERVERS = ["10.79.0.201", "10.79.0.202", "10.79.0.203"];
const CLIENTS = ["10.79.0.21", "10.79.0.22", "10.79.0.23", "10.79.0.24", "10.79.0.25"];

/** Greets each client with the address that it was asked at; ends the connection when the client does. */
const SERVE = `
const { createServer } = require("node:net");
for (const address of process.argv.slice(1)) {
  createServer((socket) => {
    socket.on("error", () => {});
    socket.on("end", () => socket.end()).resume();
    socket.write(address);
  }).listen(${PORT}, address);
}`;

/** Connects from each address in turn, and prints who greets. */
const ASK = `
const { connect } = require("node:net");
(async () => {
  for (const localAddress of process.argv.slice(1)) {
    await new Promise((resolve) => {
      const socket = connect({ host: "${VIP}", port: ${PORT}, localAddress });
      socket.on("error", (error) => { console.log(error.code); resolve(); });
      socket.once("data", (data) => { console.log(String(data)); socket.end(); });
      socket.once("close", resolve);
    });
  }
})();`;

interface Scene {
  readonly lab: VrrpLab;
  readonly a: LabHost;
  readonly b: LabHost;
  readonly directors: { readonly a: Uvsd; readonly b: Uvsd };
  /** Whom each client is greeted by. */
  ask(): string[];
}

/** @param authority of the certificates that the directors show one another; without it their link is not encrypted */
async function scene(
  t: TestContext,
  advertise: string,
  use: (scene: Scene) => Promise<void>,
  authority?: Authority,
): Promise<void> {
  const lab = new VrrpLab();
  try {
    const hosts = { a: lab.addHost("a", 1), b: lab.addHost("b", 2) };
    const [servers, client] = [lab.addHost("r", 3), lab.addHost("c", 9)];
    for (const address of REALSERVERS) lab.run(servers, "ip", "addr", "add", `${address}/24`, "dev", "eth0");
    for (const address of CLIENTS) lab.run(client, "ip", "addr", "add", `${address}/24`, "dev", "eth0");
    lab.spawn(servers, process.execPath, ["-e", SERVE, ...REALSERVERS]);
    const keyFile = join(lab.folder, "key");
    writeFileSync(keyFile, "a key that two directors have in the lab", { mode: 0o600 });
    const tls = (name: string): string => {
      if (authority === undefined) return "";
      const { certificate, key, ca } = authority.issue(name);
      return `, tls: { certificate: ${certificate}, key: ${key}, ca: ${ca} }`;
    };
    const start = (own: LabHost, other: LabHost, priority: number): Promise<Uvsd> =>
      Uvsd.start(t, {
        prefix: ["ip", "netns", "exec", own.namespace],
        config: `threads: 1
shutdown: { grace: 1s }
services:
  - listen: tcp://${VIP}:${PORT}
    scheduler: rr
    persistence: { timeout: 300s }
    realservers: [ ${REALSERVERS.map((address) => `"${address}:${PORT}"`).join(", ")} ]
ha:
  floating: [ { address: ${VIP}/24, interface: eth0 } ]
  vrrp: { id: 51, interface: eth0, version: 3, priority: ${priority}, advertise: ${advertise} }
  sync: { node: ${own.name}, listen: ${own.address}, peers: [ ${other.address} ], key-file: ${keyFile}${tls(own.name)} }
`,
      });
    const [a, b] = await Promise.all([start(hosts.a, hosts.b, 150), start(hosts.b, hosts.a, 100)]);
    await waitFor("the directors are linked both ways", async () => {
      const statuses = await Promise.all([a, b].map((uvsd) => uvsd.client.haStatus()));
      return statuses.every(
        ({ sync }) => sync?.receivers.length === 1 && sync.sources[0].state === "connected",
      );
    });
    const ask = (): string[] =>
      lab
        .run(client, process.execPath, "-e", ASK, ...CLIENTS)
        .trim()
        .split("\n");
    await use({ lab, ...hosts, directors: { a, b }, ask });
  } finally {
    lab.destroy();
  }
}

async function instance(uvsd: Uvsd): Promise<HaInstanceStatus> {
  const { instances } = await uvsd.client.haStatus();
  return instances[0];
}

const becomes = (uvsd: Uvsd, state: HaInstanceStatus["state"]) =>
  waitFor(`${state}: ${uvsd.output}`, async () => (await instance(uvsd)).state === state, 30_000);

const knowsClients = (uvsd: Uvsd) =>
  waitFor("the clients are known", async () => (await uvsd.client.templates({})).length === CLIENTS.length);

test("after the active host is gone, clients are sent to their realservers again", { skip }, (t) =>
  scene(t, "100ms", async ({ lab, a, b, directors, ask }) => {
    await waitFor("a has the address", () => lab.has(a, VIP), 30_000);
    const before = ask();
    assert.deepEqual(new Set(before), new Set(REALSERVERS));
    await knowsClients(directors.b);
    lab.unplug(a, "eth0");
    await waitFor("b has the address", () => lab.has(b, VIP), 30_000);
    assert.deepEqual(ask(), before);
  }),
);

/** The master leaves, comes back, and leaves again: each time its peer knows the clients, and waits for no timer. */
async function handOverTwice({ lab, a, b, directors, ask }: Scene): Promise<void> {
  await becomes(directors.a, "BACKUP");
  await directors.a.client.haTakeover({});
  await waitFor("a has the address", () => lab.has(a, VIP));
  const before = ask();
  await knowsClients(directors.b);
  await waitFor("b knows who is master", async () => (await instance(directors.b)).master !== undefined);

  await directors.a.client.haStandby({});
  await becomes(directors.b, "MASTER");
  // Its Skew_Time would have been three seconds, and the reason another one.
  assert.equal((await instance(directors.b)).reason, "the master has handed over");
  await waitFor("b alone has the address", () => lab.has(b, VIP) && !lab.has(a, VIP));
  assert.deepEqual(ask(), before);

  await directors.a.client.haTakeover({});
  await becomes(directors.b, "BACKUP");
  await waitFor("a alone has the address", () => lab.has(a, VIP) && !lab.has(b, VIP));
  assert.equal(await directors.a.stop(), 0);
  await becomes(directors.b, "MASTER");
  assert.equal((await instance(directors.b)).reason, "the master has handed over");
  assert.deepEqual(ask(), before);
}

test("a master that is put to standby or stopped hands over, however rarely it advertises", { skip }, (t) =>
  scene(t, "5s", handOverTwice),
);

test("a master hands over through a link that speaks TLS as well", { skip }, (t) =>
  scene(t, "5s", handOverTwice, new Authority(t)),
);
