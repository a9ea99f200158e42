/** HAProxy's agent-check against a running director: what the agent says is what the forwarder and `uvs health` show. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { config, FAST, freePort, get, realserver, WebServer } from "../helpers/checked-service.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

/** An agent beside a realserver: says one line to whoever connects. */
class Agent {
  line = "up ready 100%";
  port = 0;

  static async start(t: TestContext, address: string): Promise<Agent> {
    const agent = new Agent();
    const server = createServer((socket) => socket.on("error", () => {}).end(`${agent.line}\n`));
    server.listen(0, address);
    await once(server, "listening");
    agent.port = (server.address() as AddressInfo).port;
    t.after(() => server.close());
    return agent;
  }
}

/** Two realservers of weight 1 and 8, the second with an agent. */
async function setup(t: TestContext, net: number) {
  const [one, two] = [
    await WebServer.start(t, `127.43.${net}.1`),
    await WebServer.start(t, `127.43.${net}.2`),
  ];
  const agent = await Agent.start(t, two.address);
  const port = await freePort();
  const health = `health: { type: agent, address: ${two.address}, port: ${agent.port}, ${FAST} }`;
  const text = config(port, [one, two], health).replace(two.key, `{ address: "${two.key}", weight: 8 }`);
  const uvsd = await Uvsd.start(t, { config: text });
  const shows = (state: string, weight: number) =>
    waitFor(`${state} with weight ${weight}`, async () => {
      const { health: summary, weight: inEffect } = await realserver(uvsd, two.key);
      return summary?.state === state && inEffect === weight;
    });
  return { agent, shows, uvsd, two, port };
}

test("an agent's percentage changes the weight, rounded down, and the configured one stays", async (t) => {
  const { agent, shows, uvsd, two } = await setup(t, 1);
  await shows("up", 8);
  agent.line = "50%";
  await shows("up", 4);
  agent.line = "33%";
  await shows("up", 2);
  agent.line = "0%";
  await shows("up", 0);
  const [service] = (await uvsd.client.health()).services;
  const server = service.realservers.find(({ key }) => key === two.key);
  assert.equal(server?.configuredWeight, 8);
  agent.line = "100%";
  await shows("up", 8);
});

for (const [word, back, state] of [
  ["drain", "ready", "drain"],
  ["maint", "ready", "maint"],
  ["down # disk full", "up", "down"],
  ["stopped", "up", "down"],
]) {
  test(`an agent that says "${word}" takes its realserver out, "${back}" brings it back`, async (t) => {
    const { agent, shows, uvsd, two, port } = await setup(t, 2);
    await shows("up", 8);
    agent.line = word;
    await shows(state, 0);
    const refused = await get(port).catch((error: Error) => error);
    assert.ok(refused instanceof Error, "the agent speaks for both: nobody is left");
    const { health } = await realserver(uvsd, two.key);
    if (word.includes("#")) assert.match(health?.reason ?? "", /disk full/);
    agent.line = back;
    await shows("up", 8);
  });
}

test("an agent that falls silent changes nothing, and what a line does not mention stays", async (t) => {
  const { agent, shows, uvsd } = await setup(t, 3);
  agent.line = "up 50%";
  await shows("up", 4);
  agent.line = "";
  const checked = async () => {
    const [service] = (await uvsd.client.health()).services;
    return service.realservers.map(({ checks: [check] }) => check);
  };
  await waitFor("it says nothing", async () => (await checked()).every(({ neutral }) => neutral > 1));
  await shows("up", 4);
  agent.line = "up";
  const before = await checked();
  await waitFor("it speaks again", async () =>
    (await checked()).every(({ passed }, i) => passed > before[i].passed),
  );
  await shows("up", 4);
});
