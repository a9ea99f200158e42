/** What a director refuses to start with: a clear message that names the thing and what to do, exit code 1. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";

const serviceOn = (vip: string, port = 8080): string =>
  `services: [ { listen: "tcp://${vip}:${port}", realservers: [ "127.0.0.1:9" ] } ]\n`;

test("an address that another program listens on", async (t) => {
  const vip = loopbackAddress();
  const other = createServer().listen(8080, vip);
  await once(other, "listening");
  t.after(() => other.close());
  const uvsd = await Uvsd.launch(t, { config: serviceOn(vip) });
  assert.equal(await uvsd.exited(), 1);
  assert.match(uvsd.output, new RegExp(`${vip}:8080.*(taken|EADDRINUSE)`));
});

test("an address that another director of the same user serves", async (t) => {
  const vip = loopbackAddress();
  await Uvsd.start(t, { config: serviceOn(vip) });
  const second = await Uvsd.launch(t, { config: serviceOn(vip) });
  assert.equal(await second.exited(), 1);
  assert.match(second.output, new RegExp(`${vip}:8080.*(taken|EADDRINUSE)`));
});

test("a control socket that another director answers on", async (t) => {
  const first = await Uvsd.start(t);
  const second = await Uvsd.launch(t, {
    prefix: ["env", `UVS_SOCKET=${first.socket}`, "sh", "-c", 'exec "$1" "$2"', "sh"],
  });
  assert.equal(await second.exited(), 1);
  assert.match(second.output, /another director|already/i);
  assert.equal((await first.client.status()).forwarders.length, 1, "the first one goes on");
});

test("a configuration with errors: all of them at once, with their places", async (t) => {
  const uvsd = await Uvsd.launch(t, {
    config: "services:\n  - listen: tcp://300.0.0.1:80\n    scheduler: best\n    colour: red\n",
  });
  assert.equal(await uvsd.exited(), 1);
  assert.match(uvsd.output, /uvs\.yaml:2:\d+.*300\.0\.0\.1/);
  assert.match(uvsd.output, /uvs\.yaml:3:\d+.*best/);
  assert.match(uvsd.output, /uvs\.yaml:4:\d+.*colour/);
});

test("a VIP that is not local is bound all the same (IP_FREEBIND), ready for the day it is", async (t) => {
  const uvsd = await Uvsd.start(t, { config: serviceOn("192.0.2.77") });
  assert.equal((await uvsd.client.services())[0].key, "tcp://192.0.2.77:8080");
});
