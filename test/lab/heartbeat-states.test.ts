/** Rows of heartbeat's behaviour (reference: ha.md §9) that the two classic set-ups do not come to, with real directors. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
/** Addresses of the lab's client and realserver, which stand for two routers. */
const ROUTERS = ["10.79.0.9", "10.79.0.20"];

describe("a director of a pair", { skip }, () => {
  test("that starts alone takes nothing until the other one, never heard, is given up after initdead", () =>
    HeartbeatDirectors.with({ heartbeat: { initdead: "6s" } }, async (all) => {
      await all.of("a").stop();
      await all.of("b").stop();
      await all.lab.heldByNobody();
      await all.start("b");
      await all.sees("b", "it waits for a", ({ phase, nodes }) => {
        if (phase !== "joining") return false;
        assert.deepEqual([nodes[0].state, nodes[0].heardMsAgo], ["unknown", undefined]);
        assert.deepEqual(all.lab.watch.holders(VIP), []);
        return true;
      });
      await all.heldBy("b");
      const { phase, nodes } = await all.cluster("b");
      assert.deepEqual([phase, nodes[0].state], ["active", "dead"]);
      await all.lab.serves();
    }));

  test("keeps a group with auto-failback: false when the preferred one returns, until that takes it", () =>
    HeartbeatDirectors.with({ heartbeat: { "auto-failback": false } }, async (all) => {
      await all.of("a").stop();
      await all.heldBy("b");
      await all.start("a");
      await all.sees("b", "a is back", ({ nodes }) => nodes[0].state === "active");
      const heard = async (): Promise<number> => (await all.cluster("b")).counters["received"];
      const before = await heard();
      await waitFor("there was time to move it", async () => (await heard()) > before + 15);
      await all.heldBy("b");
      await all.of("a").client.haTakeover({});
      await all.heldBy("a");
      await all.lab.serves();
      await all.neverHeldTwice();
    }));

  test("says that messages come later than warntime, and does nothing more", () =>
    HeartbeatDirectors.with({}, async (all) => {
      const before = (await all.of("b").instance("web")).transitions;
      all.of("b").rewrite(all.config("b", { keepalive: "20ms", warntime: "50ms" }));
      await all.of("b").client.reload();
      await all.sees("b", "messages are late", ({ counters }) => counters["late"] > 5);
      assert.match(all.of("b").log, /late message: node a was silent for \d+ ms/);
      assert.equal((await all.cluster("b")).nodes[0].state, "active");
      assert.equal((await all.of("b").instance("web")).transitions, before);
      await all.heldBy("a");
    }));

  test("that hears its own name from another refuses that, and says it", () =>
    HeartbeatDirectors.with({}, async (all) => {
      await all.of("b").stop();
      // It is heard by nobody, so it takes the group when it has given the other one up.
      await all.lab.start(all.host("b"), all.config("a", { state: `${all.keyFile}.generation` }));
      await all.sees("a", "its name is used", ({ counters }) => counters["own_name"] > 0);
      await waitFor("it says so", () => /another director uses our own node name/.test(all.of("a").log));
      assert.equal((await all.cluster("a")).nodes[0].state, "left");
      assert.ok(all.lab.watch.holders(VIP).includes("a"));
    }));
});

test("ping nodes of a pair", { skip }, async (t) => {
  const pinging = async (
    ping: object,
    use: (all: HeartbeatDirectors, reach: (state: string) => Promise<void>) => Promise<void>,
  ): Promise<void> =>
    HeartbeatDirectors.with({ heartbeat: { ping: { deadtime: "2s", ...ping } } }, async (all) => {
      const reach = async (state: string): Promise<void> => {
        for (const name of ["a", "b"])
          await all.sees(name, `all are ${state}`, ({ pings }) => pings.every((one) => one.state === state));
      };
      await reach("up");
      await use(all, reach);
    });

  await t.test(
    "a ping group is up as long as one of its hosts answers, and moves the group when none does",
    () =>
      pinging({ groups: [{ name: "routers", hosts: ROUTERS }] }, async (all, reach) => {
        const { lab } = all;
        const before = (await all.of("b").instance("web")).transitions;
        lab.net.partition([lab.a, lab.client], true);
        const heard = async (): Promise<number> => (await all.cluster("a")).counters["received"];
        const count = await heard();
        await waitFor("its deadtime passes", async () => (await heard()) > count + 15);
        await reach("up");
        assert.equal((await all.of("b").instance("web")).transitions, before);
        lab.net.partition([lab.a, lab.client, lab.realserver], true);
        await all.heldBy("b");
        lab.net.partition([lab.a, lab.client, lab.realserver], false);
        await all.heldBy("a");
        await all.neverHeldTwice();
      }),
  );

  await t.test("who reaches more of them has the group", () =>
    pinging({ nodes: ROUTERS }, async (all) => {
      const { lab } = all;
      lab.net.partition([lab.a, lab.client], true);
      await all.heldBy("b");
      await all.sees("a", "one is down", ({ pings }) => pings.map(({ state }) => state).join() === "down,up");
      lab.net.partition([lab.a, lab.client], false);
      await all.heldBy("a");
      await all.neverHeldTwice();
    }),
  );

  await t.test("where they are required nobody holds the group while none answers", () =>
    pinging({ nodes: ["10.79.0.9"], required: true }, async (all, reach) => {
      const { lab } = all;
      lab.net.unplug(lab.client, "eth0");
      await lab.heldByNobody();
      await reach("down");
      assert.match((await all.of("a").instance("web")).faults.join(), /no ping node answers/);
      lab.net.unplug(lab.client, "eth0", false);
      await all.heldBy("a");
      await lab.serves();
      await all.neverHeldTwice();
    }),
  );
});
