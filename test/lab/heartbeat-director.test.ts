/** Real directors that share an address by heartbeat: the whole way from the file to the client. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { HaLab, type LabUvsd, VIP } from "../helpers/ha-lab.js";
import { type LabHost, labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();

/** A director's configuration. @param rest further keys of `ha.heartbeat` */
function config(lab: HaLab, node: string, rest = ""): string {
  return `
services:
  - listen: tcp://${VIP}:80
    realservers: [ "10.79.0.20:8080" ]
threads: 1
shutdown: { grace: 1s }
ha:
  floating: [ { address: ${VIP}/24, interface: eth0 } ]
  heartbeat:
    node: ${node}
    nodes: [ a, b ]
    links:
      - { bcast: eth0 }
      - { ucast: eth1, peers: [ 10.80.0.1, 10.80.0.2 ] }
      - { mcast: eth0, group: 239.0.0.69 }
    auth: ${join(lab.net.folder, "authkeys")}
    state: ${join(lab.net.folder, `${node}.generation`)}
    keepalive: 200ms
    deadtime: 3s
    groups: [ { name: web, preferred: a } ]
    ${rest}
`;
}

interface Pair {
  readonly lab: HaLab;
  readonly first: LabUvsd;
  readonly second: LabUvsd;
}

/** Two directors with two networks; the first has the address, and the client is served. */
function withPair(use: (pair: Pair) => Promise<void>): Promise<void> {
  return HaLab.with(async (lab) => {
    const keys = join(lab.net.folder, "authkeys");
    writeFileSync(keys, "auth 1\n1 sha256 secret\n");
    chmodSync(keys, 0o600);
    lab.net.addSecondLink(lab.a, lab.b);
    const start = (host: LabHost): Promise<LabUvsd> => lab.start(host, config(lab, host.name));
    const [first, second] = await Promise.all([start(lab.a), start(lab.b)]);
    await first.becomes("MASTER", "web");
    await second.becomes("BACKUP", "web");
    await lab.holds(lab.a);
    await lab.serves();
    await use({ lab, first, second });
  });
}

describe("a pair of directors with heartbeat", { skip }, () => {
  test("hears itself on every link, and hands over when one ends in order", () =>
    withPair(async ({ lab, first, second }) => {
      const heard = async (): Promise<string[][]> =>
        ((await second.client.haStatus()).heartbeat?.links ?? []).map(({ hears }) => [...hears]);
      await waitFor("every link carries messages", async () =>
        (await heard()).every(([node]) => node === "a"),
      );
      assert.equal((await heard()).length, 3);
      await first.stop();
      assert.equal(lab.net.has(lab.a, VIP), false);
      await second.becomes("MASTER", "web");
      await lab.serves();
      const { heartbeat } = await second.client.haStatus();
      assert.equal(heartbeat?.nodes[0].state, "left");
    }));

  test("SIGKILL: the guardian takes the address off and says goodbye, so that nobody waits for deadtime", () =>
    withPair(async ({ lab, first, second }) => {
      await first.kill();
      await lab.hasNot(lab.a);
      await second.becomes("MASTER", "web");
      const { heartbeat } = await second.client.haStatus();
      assert.equal(heartbeat?.nodes[0].state, "left", "it was told, and did not have to wait");
      await lab.serves();
      const again = await lab.start(lab.a, config(lab, "a"));
      await again.becomes("MASTER", "web");
      await lab.hasNot(lab.b);
      await lab.serves();
    }));

  test("standby, takeover and clear by the operator", () =>
    withPair(async ({ lab, first, second }) => {
      await first.client.haStandby({ scope: "local" });
      await second.becomes("MASTER", "web");
      await lab.hasNot(lab.a);
      await assert.rejects(second.client.haStandby({}), /no other director can take web/);
      await first.client.haTakeover({ instance: "web" });
      await first.becomes("MASTER", "web");
      await second.client.haTakeover({ scope: "foreign" });
      await second.becomes("MASTER", "web");
      await second.client.haClear({});
      await first.becomes("MASTER", "web");
      await assert.rejects(first.client.haStandby({ instance: "mail" }), /no group mail; there are web/);
      await lab.serves();
    }));

  test("a reload that changes the cluster leaves the address where it is", () =>
    withPair(async ({ lab, first, second }) => {
      const before = (await second.instance("web")).transitions;
      first.rewrite(config(lab, "a", "dampen: 1s"));
      const { changes } = await first.client.reload();
      assert.match(changes.join("; "), /ha: changed/);
      await first.becomes("MASTER", "web");
      await lab.serves();
      assert.equal((await second.instance("web")).transitions, before, "the other one did not notice");
      assert.equal((await first.instance("web")).transitions > 0, true);
    }));

  test("a key file that others may read is refused, and nothing changes", () =>
    withPair(async ({ lab, first }) => {
      const open = join(lab.net.folder, "open-keys");
      writeFileSync(open, "auth 1\n1 sha256 secret\n", { mode: 0o644 });
      first.rewrite(config(lab, "a").replace(/auth: .*/, `auth: ${open}`));
      await assert.rejects(first.client.reload(), /mode 0644, accepted is 0600/);
      assert.equal((await first.instance("web")).state, "MASTER");
      await lab.serves();
    }));
});
