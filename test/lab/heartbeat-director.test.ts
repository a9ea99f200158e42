/** Real directors that share an address by heartbeat: the whole way from the file to the client. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../helpers/control-fixture.js";
import { VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { parseExposition, sample } from "../helpers/prometheus.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const LINKS = [
  { bcast: "eth0" },
  { ucast: "eth1", peers: ["10.80.0.1", "10.80.0.2"] },
  { mcast: "eth0", group: "239.0.0.69" },
];

test("a pair of directors with heartbeat", { skip }, (t) =>
  HeartbeatDirectors.with({ heartbeat: { links: LINKS } }, async (all) => {
    const { lab } = all;

    await t.test("hears itself on every link", () =>
      all.sees("b", "every link carries messages", ({ links }) =>
        links.every(({ hears }) => hears.join() === "a"),
      ),
    );

    await t.test("says in its metrics what its status says", async () => {
      const first = all.of("a");
      const { body } = await ask(first.socket, "GET", "/metrics");
      const families = parseExposition(body as string);
      const { members, hasQuorum, nodes, counters } = await all.cluster("a");
      const is = (name: string, labels: string, value: number): void =>
        assert.equal(sample(families, `uvs_heartbeat_${name}`, labels), value, `${name} ${labels}`);
      is("members", "", members);
      is("quorum", "", Number(hasQuorum));
      for (const { name, state, holds } of nodes) {
        is("node_state", `node="${name}",state="${state}"`, 1);
        is("node_groups_held", `node="${name}"`, holds.length);
      }
      is("groups_acquired_total", "", counters["acquired"]);
      is("rejected_total", 'reason="wrong_digest"', counters["wrong_digest"]);
      assert.ok((sample(families, "uvs_heartbeat_datagrams_sent_total") ?? 0) > 0);
      const group = 'name="web",protocol="heartbeat"';
      assert.equal(sample(families, "uvs_ha_instance_state", `${group},state="MASTER"`), 1);
      assert.equal(sample(families, "uvs_ha_instance_holds_addresses", group), 1);
    });

    await t.test("standby, takeover and clear by the operator", async () => {
      const [first, second] = [all.of("a"), all.of("b")];
      await first.client.haStandby({ scope: "local" });
      await second.becomes("MASTER", "web");
      await assert.rejects(second.client.haStandby({}), /no other director can take web/);
      await first.client.haTakeover({ instance: "web" });
      await first.becomes("MASTER", "web");
      await second.client.haTakeover({ scope: "foreign" });
      await second.becomes("MASTER", "web");
      await second.client.haClear({});
      await first.becomes("MASTER", "web");
      await assert.rejects(first.client.haStandby({ instance: "mail" }), /no group mail; there are web/);
      await lab.serves();
    });

    await t.test("a reload that changes the cluster leaves the address where it is", async () => {
      const [first, second] = [all.of("a"), all.of("b")];
      const before = (await second.instance("web")).transitions;
      first.rewrite(all.config("a", { dampen: "1s" }));
      const { changes } = await first.client.reload();
      assert.match(changes.join("; "), /ha: changed/);
      await first.becomes("MASTER", "web");
      await lab.serves();
      assert.equal((await second.instance("web")).transitions, before, "the other one did not notice");
    });

    await t.test("a key file that others may read is refused, and nothing changes", async () => {
      const open = join(lab.net.folder, "open-keys");
      writeFileSync(open, "auth 1\n1 sha256 secret\n", { mode: 0o644 });
      const first = all.of("a");
      first.rewrite(all.config("a", { auth: open }));
      await assert.rejects(first.client.reload(), /mode 0644, accepted is 0600/);
      await first.becomes("MASTER", "web");
      await lab.serves();
    });

    await t.test("SIGTERM: hands over before it ends", async () => {
      await all.of("a").stop();
      assert.equal(lab.net.has(lab.a, VIP), false);
      await all.heldBy("b");
      await lab.serves();
      assert.equal((await all.cluster("b")).nodes[0].state, "left");
      await all.start("a");
      await all.heldBy("a");
    });

    await t.test(
      "SIGKILL: the guardian takes the address off and says goodbye: nobody waits for deadtime",
      async () => {
        await all.of("a").kill();
        await all.heldBy("b");
        assert.equal(
          (await all.cluster("b")).nodes[0].state,
          "left",
          "it was told, and did not have to wait",
        );
        await waitFor("the guardian says so", () => /its addresses are taken off/.test(all.of("a").log));
        await lab.serves();
        await all.start("a");
        await all.heldBy("a");
        await lab.serves();
        await all.neverHeldTwice();
      },
    );
  }),
);
