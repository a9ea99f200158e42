/** Datagrams that IP has to cut up: in a network namespace whose loopback has the MTU of an Ethernet. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { GoldenNamespace, namespaceObstacle } from "../helpers/golden-namespace.js";
import { Uvsd } from "../helpers/uvsd.js";

const obstacle = namespaceObstacle();

test("fragmented datagrams arrive whole, at VIPs of both families", { skip: obstacle }, async (t) => {
  const namespace = await GoldenNamespace.make(t);
  const [command, ...prefix] = namespace.prefix;
  const { status, stderr } = spawnSync(command, [...prefix, "ip", "link", "set", "lo", "mtu", "1500"], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  const { client } = await Uvsd.start(t, {
    prefix: namespace.prefix,
    config: `services:
  - { listen: "udp://10.77.0.100:53", scheduler: rr, realservers: [ "10.77.2.1:53", "10.77.2.2:53" ] }
  - { listen: "udp://[fd77::100]:53", scheduler: rr, realservers: [ "[fd77:2::1]:53" ] }
`,
  });
  const ask = (from: string, to: string, bytes: number) =>
    namespace.ask({ udp: from, from, sport: 20001, to, bytes, chosen: "any:53", at: 0 });
  const sizes = [1472, 1473, 8192, 65_507];
  for (const bytes of sizes) {
    assert.equal(await ask("10.77.1.1", "10.77.0.100:53", bytes), "10.77.2.2:53");
    assert.equal(await ask("fd77:1::1", "[fd77::100]:53", bytes), "[fd77:2::1]:53");
  }
  const sum = sizes.reduce((total, bytes) => total + bytes);
  const services = await client.services();
  assert.deepEqual(
    services.map(({ totals: { connections, inPackets, inBytes } }) => [connections, inPackets, inBytes]),
    [
      [1, 4, sum],
      [1, 4, sum],
    ],
  );
});
