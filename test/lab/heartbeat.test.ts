/**
 * The two classic set-ups of heartbeat with real directors in network namespaces: their drills, one after another on the same
 * directors. Who has the address is what the kernels say; it is never on two hosts but where that cannot be helped.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const MAIL = "10.79.0.101";

test("three directors with quorum, a preferred one, and stickiness", { skip }, async (t) => {
  const groups = [
    { name: "web", preferred: "a", scores: { b: 50 }, floating: [VIP] },
    { name: "mail", preferred: "a", scores: { b: 50 }, floating: [MAIL], stickiness: 200 },
  ];
  const changes = { names: ["a", "b", "c"], floating: [MAIL], heartbeat: { groups } };
  await HeartbeatDirectors.with(changes, async (all) => {
    const { lab } = all;

    await t.test(
      "stop the active one, bring it back: what prefers it goes home, what sticks stays",
      async () => {
        await all.of("a").stop();
        assert.equal(lab.net.has(lab.a, VIP), false, "it is removed before the process ends");
        await all.heldBy("b");
        await all.heldBy("b", MAIL);
        await all.start("a");
        await all.heldBy("a");
        await all.heldBy("b", MAIL);
        await all.of("a").client.haTakeover({ instance: "mail" });
        await all.heldBy("a", MAIL);
        await lab.serves();
        await all.neverHeldTwice();
      },
    );

    await t.test("put to standby, take over", async () => {
      await all.of("a").client.haStandby({});
      await all.heldBy("b");
      await all.of("c").client.haTakeover({ instance: "web" });
      await all.heldBy("c");
      await all.of("a").client.haClear({});
      await all.sees("a", "it is no longer in standby", ({ standby }) => standby.length === 0);
      await all.heldBy("c");
      await all.of("a").client.haTakeover({});
      await all.heldBy("a");
      await all.heldBy("a", MAIL);
      await lab.serves();
      await all.neverHeldTwice();
    });

    await t.test("cut one link: nothing moves", async () => {
      const before = (await all.of("b").instance("web")).transitions;
      lab.net.unplug(lab.a, "eth1");
      await all.sees("b", "the link is silent", ({ links }) => links[1].hears.join() === "c");
      await all.heldBy("a");
      assert.equal((await all.of("b").instance("web")).transitions, before);
      await all.neverHeldTwice();
    });

    await t.test("cut both: the two others go on, and the one without quorum has let go before", async () => {
      all.isolate("a", true);
      await all.heldBy("b");
      assert.equal((await all.cluster("a")).hasQuorum, false);
      await lab.serves();
      all.isolate("a", false);
      await all.heldBy("a");
      await all.neverHeldTwice();
    });

    await t.test(
      "lose quorum: nobody has the address; with quorum again it is where it belongs",
      async () => {
        for (const name of ["b", "c"]) all.isolate(name, true);
        await lab.heldByNobody();
        all.isolate("b", false);
        await all.heldBy("a");
        all.isolate("c", false);
        await all.sees("a", "all are there", ({ members }) => members === 3);
        await lab.serves();
        await all.neverHeldTwice();
      },
    );

    await t.test(
      "SIGSTOP for longer than the deadtime, then SIGCONT: it lets go before it says anything",
      async () => {
        all.of("a").signal("SIGSTOP");
        // Its guardian has taken the address off before.
        await all.heldBy("b");
        await lab.serves();
        all.of("a").signal("SIGCONT");
        await waitFor("it says so", () => /stood still/.test(all.of("a").log));
        await all.heldBy("a");
        await lab.serves();
        await all.neverHeldTwice();
      },
    );
  });
});

test("a pair with auto_failback and a ping node", { skip }, async (t) => {
  const ping = { nodes: ["10.79.0.9"], deadtime: "2s" };
  await HeartbeatDirectors.with({ heartbeat: { ping } }, async (all) => {
    const { lab } = all;
    const reaches = (name: string, state: string): Promise<void> =>
      all.sees(name, `the ping node is ${state}`, ({ pings }) => pings[0].state === state);
    for (const name of ["a", "b"]) await reaches(name, "up");

    await t.test("stop the active one, bring it back", async () => {
      await all.of("a").stop();
      await all.heldBy("b");
      await lab.serves();
      await all.start("a");
      await all.heldBy("a");
      await lab.serves();
      await all.neverHeldTwice();
    });

    await t.test("cut one of two links: nothing moves", async () => {
      lab.net.unplug(lab.a, "eth1");
      await all.sees("b", "the link is silent", ({ links }) => links[1].hears.length === 0);
      await all.heldBy("a");
      assert.equal((await all.of("b").instance("web")).state, "BACKUP");
      lab.net.unplug(lab.a, "eth1", false);
      await all.sees("b", "the link carries again", ({ links }) => links[1].hears.length === 1);
      await all.neverHeldTwice();
    });

    await t.test(
      "cut its way to the ping node: who reaches it has the address; mend it: it goes home",
      async () => {
        // The directors still hear each other on both links.
        lab.net.partition([lab.a, lab.client], true);
        await all.heldBy("b");
        lab.net.partition([lab.a, lab.client], false);
        await all.heldBy("a");
        await all.neverHeldTwice();
      },
    );

    await t.test("lose the ping node: nothing moves; bring it back: nothing moves", async () => {
      const before = (await all.of("a").instance("web")).transitions;
      lab.net.unplug(lab.client, "eth0");
      for (const name of ["a", "b"]) await reaches(name, "down");
      lab.net.unplug(lab.client, "eth0", false);
      for (const name of ["a", "b"]) await reaches(name, "up");
      await all.heldBy("a");
      assert.equal((await all.of("a").instance("web")).transitions, before);
      await lab.serves();
      await all.neverHeldTwice();
    });

    await t.test("put to standby, take over", async () => {
      await all.of("a").client.haStandby({ scope: "local" });
      await all.heldBy("b");
      await all.of("a").client.haTakeover({ scope: "local" });
      await all.heldBy("a");
      await all.neverHeldTwice();
    });

    await t.test("forged messages and noise change counters and nothing else", async () => {
      const before = (await all.of("a").instance("web")).transitions;
      lab.net.run(lab.client, process.execPath, "-e", NOISE);
      const { counters, nodes } = await all.cluster("b");
      assert.ok(counters["wrong_digest"] > 100);
      assert.ok(counters["malformed"] > 100);
      assert.equal(nodes[0].state, "active");
      await all.heldBy("a");
      assert.equal((await all.of("a").instance("web")).transitions, before);
    });

    await t.test(
      "split brain resolves as soon as they hear each other, and the client knows who stays",
      async () => {
        lab.net.unplug(lab.a, "eth1");
        lab.net.partition(lab.directors, true);
        await waitFor("both have the address", () => lab.watch.holders(VIP).length === 2, 15_000);
        const { a, b, client } = lab;
        await waitFor(
          "the client follows the last one",
          () => lab.net.neighbour(client, VIP) === lab.net.hardware(b),
        );
        lab.net.partition(lab.directors, false);
        await all.heldBy("a");
        await waitFor("the client is told", () => lab.net.neighbour(client, VIP) === lab.net.hardware(a));
        for (const name of ["a", "b"]) {
          const { conflicts, counters } = await all.of(name).instance("web");
          assert.ok(conflicts > 0 && counters["conflict"] > 0, "it is counted");
          assert.match(all.of(name).log, /SPLIT BRAIN/);
        }
        await lab.serves();
      },
    );
  });
});

describe("fencing", { skip }, () => {
  test("a lost host is fenced before its address is taken; while the command fails nothing is taken", () =>
    HeartbeatDirectors.with({}, async (all) => {
      const { lab } = all;
      const permit = join(lab.net.folder, "permit");
      const script = join(lab.net.folder, "fence");
      // What a switched power socket does: the address is gone with its host.
      const text = `#!/bin/sh
        [ "$1 $2 $3" = "socket7 off a" ] || exit 3
        [ -e ${permit} ] || { echo the socket does not answer; exit 1; }
        ip netns exec ${lab.a.namespace} ip addr del ${VIP}/24 dev eth0
`;
      writeFileSync(script, text, { mode: 0o755 });
      await all.of("b").stop();
      const fencing = [{ node: "a", command: `${script} socket7`, action: "off", retry: "200ms" }];
      await all.start("b", { fencing });
      await all.sees("b", "a is there", ({ members }) => members === 2);
      lab.net.killAll(lab.a);
      await waitFor(
        "fencing has failed more than once",
        () => all.of("b").log.split("COULD NOT BE FENCED").length > 2,
        15_000,
      );
      assert.match(all.of("b").log, /the socket does not answer/);
      assert.deepEqual(lab.watch.holders(VIP), ["a"], "nobody could have removed it");
      const [{ fencing: progress }] = (await all.cluster("b")).nodes;
      assert.equal(progress, "running", "and uvs ha status says so");
      writeFileSync(permit, "");
      await all.heldBy("b");
      await lab.serves();
      await all.neverHeldTwice();
    }));
});

/** Broadcasts 2000 datagrams, one half of them forged, the other half no messages at all. */
const NOISE = `
  const socket = require("node:dgram").createSocket("udp4");
  const forged = [">>>", "t=shutdone", "src=a", "seq=1", "hg=fffffff", "ts=1", "auth=1 00", "<<<", ""].join("\\n");
  socket.bind(() => {
    socket.setBroadcast(true);
    let left = 2000;
    const send = () => {
      if (left-- === 0) return socket.close();
      socket.send(left % 2 ? "noise" : forged, 694, "10.79.0.255", () => setImmediate(send));
    };
    send();
  });`;
