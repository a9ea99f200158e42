/** UDP that no socket of a director is bound for: services of all ports, and firewall marks, by TPROXY in a namespace. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runIpvsadm } from "../../src/control/ipvsadm/run.js";
import { GOLDEN_NAMES } from "../helpers/golden-names.js";
import { GoldenNamespace, namespaceObstacle } from "../helpers/golden-namespace.js";
import { Uvsd } from "../helpers/uvsd.js";

const obstacle = namespaceObstacle();

test("a UDP service of all ports keeps a client at its realserver, and answers from the port spoken to", {
  skip: obstacle,
}, async (t) => {
  const namespace = await GoldenNamespace.make(t);
  const { client } = await Uvsd.start(t, { prefix: namespace.prefix });
  const admin = async (line: string): Promise<string> => {
    const { exit, stdout, stderr } = await runIpvsadm(line.split(" "), "", client, GOLDEN_NAMES);
    assert.equal(exit, 0, stderr);
    return stdout;
  };
  for (const vip of ["10.77.0.100:0", "[fd77::100]:0"]) await admin(`-A -u ${vip} -s rr -p 300`);
  for (const rip of ["10.77.2.1:0", "10.77.2.2:0"]) await admin(`-a -u 10.77.0.100:0 -r ${rip} -m`);
  await admin("-a -u [fd77::100]:0 -r [fd77:2::1]:0 -m");
  // An exact service goes before it.
  await admin("-A -u 10.77.0.100:69 -s rr");
  await admin("-a -u 10.77.0.100:69 -r 10.77.2.6:69 -m");

  let sport = 20_000;
  const ask = (from: string, to: string) =>
    namespace.ask({ udp: `${from} ${sport}`, from, sport: sport++, to, bytes: 10, chosen: "any:53", at: 0 });
  assert.equal(await ask("10.77.1.1", "10.77.0.100:53"), "10.77.2.2:53");
  assert.equal(await ask("10.77.1.1", "10.77.0.100:5060"), "10.77.2.2:5060");
  assert.equal(await ask("10.77.1.2", "10.77.0.100:8080"), "10.77.2.1:8080");
  assert.equal(await ask("10.77.1.2", "10.77.0.100:53"), "10.77.2.1:53");
  assert.equal(await ask("10.77.1.1", "10.77.0.100:69"), "10.77.2.6:69");
  assert.equal(await ask("fd77:1::1", "[fd77::100]:5353"), "[fd77:2::1]:5353");

  const rows = (await admin("-Lnc")).split("\n").filter((row) => row.includes("  UDP  "));
  assert.deepEqual(rows.map((row) => row.split(/ +/).slice(4).join(" ")).sort(), [
    "10.77.0.100:5060 10.77.2.2:5060",
    "10.77.0.100:53 10.77.2.1:53",
    "10.77.0.100:53 10.77.2.2:53",
    "10.77.0.100:69 10.77.2.6:69",
    "10.77.0.100:8080 10.77.2.1:8080",
    "[fd77::100]:5353 [fd77:2::1]:5353",
  ]);
});
