/**
 * Real directors that lose one another while all of them live and clients reach all of them: what each policy makes of a part
 * without quorum. Who has the address is what the kernels say.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const MAIL = "10.79.0.101";
const NAMES = ["a", "b", "c"];

/** Three directors: `a` has one address, `b` the other, `c` none. */
function three(policy: string, use: (all: HeartbeatDirectors) => Promise<void>): Promise<void> {
  const groups = [
    { name: "web", preferred: "a", scores: { b: 50 }, floating: [VIP] },
    { name: "mail", preferred: "b", floating: [MAIL] },
  ];
  const heartbeat = { "no-quorum": policy, groups };
  return HeartbeatDirectors.with({ names: NAMES, floating: [MAIL], heartbeat }, async (all) => {
    await all.heldBy("b", MAIL);
    await use(all);
  });
}

/** The first network carries nothing between directors any more, the second one nothing for these. */
function cutOff({ lab }: HeartbeatDirectors, ...names: string[]): void {
  lab.net.partition(lab.directors, true);
  for (const host of lab.directors) if (names.includes(host.name)) lab.net.unplug(host, "eth1");
}

async function mend(all: HeartbeatDirectors, ...names: string[]): Promise<void> {
  const { lab } = all;
  for (const host of lab.directors) if (names.includes(host.name)) lab.net.unplug(host, "eth1", false);
  lab.net.partition(lab.directors, false);
  for (const name of names) await all.sees(name, "there is quorum", ({ hasQuorum }) => hasQuorum);
}

/** Waits until a director has given up all others. */
const isAlone = (all: HeartbeatDirectors, name: string): Promise<void> =>
  all.sees(name, "all others are dead", ({ nodes }) => nodes.every(({ state }) => state === "dead"));

test("three directors with no-quorum: stop", { skip }, (t) =>
  three("stop", async (all) => {
    const { lab } = all;

    await t.test("who is cut off has released before the others take over, and takes nothing", async () => {
      cutOff(all, "a");
      await all.heldBy("b");
      await isAlone(all, "a");
      await all.heldBy("b", MAIL);
      const { state, holdsAddresses } = await all.of("a").instance("web");
      assert.deepEqual([state, holdsAddresses], ["BACKUP", false]);
      assert.match(all.of("a").log, /quorum is LOST: 1 of 3 nodes/);
      await lab.serves();
      assert.deepEqual(lab.watch.heldTwice, []);
    });

    await t.test("when they hear one another again the group goes home", async () => {
      await mend(all, "a");
      await all.heldBy("a");
      assert.equal((await all.of("a").instance("web")).conflicts, 0);
      await all.neverHeldTwice();
    });

    await t.test("where each is alone nobody holds anything", async () => {
      cutOff(all, ...NAMES);
      await lab.heldByNobody();
      await lab.heldByNobody(MAIL);
      for (const name of NAMES) await isAlone(all, name);
      await mend(all, ...NAMES);
      await all.heldBy("a");
      await all.heldBy("b", MAIL);
      await all.neverHeldTwice();
    });
  }),
);

test("three directors with no-quorum: freeze", { skip }, (t) =>
  three("freeze", async (all) => {
    const { lab } = all;

    await t.test("where each is alone all keep what they hold, and nobody takes what has ended", async () => {
      cutOff(all, ...NAMES);
      for (const name of NAMES) await isAlone(all, name);
      assert.deepEqual([lab.watch.holders(VIP), lab.watch.holders(MAIL)], [["a"], ["b"]]);
      await all.of("b").stop();
      await lab.heldByNobody(MAIL);
      assert.match(all.of("c").log, /node b: active -> dead/);
      assert.equal((await all.of("c").instance("mail")).state, "BACKUP");
      await lab.serves();
    });

    await t.test("with quorum again the lost one's group is taken over", async () => {
      await mend(all, "a", "c");
      await waitFor("mail is held", () => lab.watch.holders(MAIL).length === 1, 15_000);
      await all.heldBy("a");
      await all.neverHeldTwice();
    });

    await t.test("one that is cut off from the others keeps what it holds and takes nothing", async () => {
      lab.net.unplug(all.host("b"), "eth1", false);
      await all.start("b");
      await all.heldBy("b", MAIL);
      cutOff(all, "a");
      await isAlone(all, "a");
      assert.ok(lab.watch.holders(VIP).includes("a"));
      await all.heldBy("b", MAIL);
      // Nobody has fenced it, so those who have quorum take its group: that is the price of this policy.
      await waitFor("the others take over", () => lab.watch.holders(VIP).includes("b"), 15_000);
      await mend(all, "a");
      await waitFor("one stays", () => lab.watch.holders(VIP).length === 1);
      assert.match(all.of("a").log, /SPLIT BRAIN: b holds the group web too; it goes/);
      await all.heldBy("a");
      await lab.serves();
    });
  }),
);

test("three directors with no-quorum: ignore", { skip }, (t) =>
  three("ignore", async (all) => {
    const { lab } = all;

    await t.test("who is cut off goes on and takes what the others had", async () => {
      cutOff(all, "c");
      await waitFor("c has both", () =>
        [VIP, MAIL].every((address) => lab.watch.holders(address).includes("c")),
      );
      assert.deepEqual([lab.watch.holders(VIP)[0], lab.watch.holders(MAIL)[0]], ["a", "b"]);
      assert.equal((await all.cluster("c")).hasQuorum, false);
    });

    await t.test("when they hear one another again those with quorum stay, and that is said", async () => {
      await mend(all, "c");
      await all.heldBy("a");
      await all.heldBy("b", MAIL);
      await waitFor("it is said", () =>
        /SPLIT BRAIN: a holds the group web too; it goes/.test(all.of("c").log),
      );
      await waitFor(
        "the client is told",
        () => lab.net.neighbour(lab.client, VIP) === lab.net.hardware(lab.a),
      );
      await lab.serves();
    });
  }),
);

test("a pair whose tie a ping node breaks", { skip }, (t) => {
  const heartbeat = {
    "no-quorum": "stop",
    "ping-breaks-tie": true,
    ping: { nodes: ["10.79.0.9"], deadtime: "2s" },
  };
  return HeartbeatDirectors.with({ heartbeat }, async (all) => {
    const { lab } = all;
    const reach = async (state: string): Promise<void> => {
      for (const name of ["a", "b"])
        await all.sees(name, `the ping node is ${state}`, ({ pings }) => pings[0].state === state);
    };
    await reach("up");

    await t.test(
      "who loses all its links has released before the other, which reaches it, takes over",
      async () => {
        all.isolate("a", true);
        await all.heldBy("b");
        await isAlone(all, "a");
        assert.equal((await all.cluster("a")).hasQuorum, false);
        assert.equal((await all.cluster("b")).hasQuorum, true);
        await lab.serves();
        all.isolate("a", false);
        await all.heldBy("a");
        await all.neverHeldTwice();
      },
    );

    await t.test("while neither hears the other nor reaches it nobody holds the address", async () => {
      lab.net.unplug(lab.client, "eth0");
      await reach("down");
      await all.heldBy("a");
      cutOff(all, "a");
      await lab.heldByNobody();
      for (const name of ["a", "b"]) await isAlone(all, name);
      lab.net.unplug(lab.client, "eth0", false);
      await mend(all, "a");
      await all.heldBy("a");
      await lab.serves();
      await all.neverHeldTwice();
    });
  });
});
