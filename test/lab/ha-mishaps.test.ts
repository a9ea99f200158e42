/**
 * What goes wrong around directors, and what real ones make of it and say: interfaces that vanish, addresses that others touch,
 * peers that are configured otherwise, rights that are missing.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { HaLab, haConfig, type LabUvsd, VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();

/** Waits until a director's log has a line. */
const says = (director: LabUvsd, line: RegExp): Promise<void> =>
  waitFor(`it says ${line}`, () => line.test(director.log));

describe("an interface of a pair", { skip }, () => {
  test("that is deleted is a fault, said; made again it carries the address again", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      lab.net.removeInterface(lab.a);
      await first.becomes("FAULT");
      assert.deepEqual((await first.instance()).faults, [
        "interface eth0 is down or has no IPv4 address to send from",
      ]);
      await lab.heldBy(lab.b);
      await lab.serves();
      lab.net.addInterface(lab.a);
      await lab.heldBy(lab.a);
      await second.becomes("BACKUP");
      await lab.serves();
      assert.doesNotMatch(first.log, /ENODEV|ENXIO/);
    }));

  test("that is deleted and made again under a backup lets it hear the master again", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair(haConfig(150), haConfig(100, "preempt: false"));
      const before = (await first.instance()).transitions;
      lab.net.removeInterface(lab.b);
      lab.net.addInterface(lab.b);
      const heard = async (): Promise<number> => (await second.instance()).counters["advert_rcvd"];
      const count = await heard();
      await waitFor("the backup hears the master", async () => (await heard()) > count + 10);
      await second.becomes("BACKUP");
      assert.equal((await first.instance()).transitions, before);
      assert.deepEqual(lab.watch.heldTwice, []);
    }));

  test("that is deleted under a heartbeat holder moves the group; made again it carries messages and the group", () =>
    HeartbeatDirectors.with({}, async (all) => {
      const { lab } = all;
      lab.net.removeInterface(lab.a);
      await all.heldBy("b");
      const { trouble = "" } = (await all.cluster("a")).links[0];
      assert.match(trouble, /interface eth0 is down or has no address to send from/);
      assert.match((await all.of("a").instance("web")).faults.join(), /there is no such interface/);
      lab.net.addInterface(lab.a);
      await all.sees("b", "both links carry", ({ links }) =>
        links.every(({ hears }) => hears.join() === "a"),
      );
      await all.of("a").client.haClear({});
      await all.heldBy("a");
      await lab.serves();
      await all.neverHeldTwice();
    }));
});

describe("a floating address", { skip }, () => {
  test("that others remove is added again, and said; again and again, it is a fault until it is cleared", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      const before = [(await first.instance()).transitions, (await second.instance()).transitions];
      const remove = (): string => lab.net.run(lab.a, "ip", "addr", "del", `${VIP}/24`, "dev", "eth0");
      remove();
      await lab.holds(lab.a);
      await says(first, /10\.79\.0\.100 was removed by somebody else, and is added again/);
      await lab.serves();
      assert.deepEqual([(await first.instance()).transitions, (await second.instance()).transitions], before);
      for (let i = 0; i < 4; i++) {
        remove();
        await lab.holds(lab.a);
      }
      remove();
      await first.becomes("FAULT");
      assert.match((await first.instance()).faults.join(), /somebody else removes it again and again/);
      await lab.heldBy(lab.b);
      await lab.serves();
      assert.deepEqual(lab.watch.heldTwice, []);
      await first.client.haClear({});
      await lab.heldBy(lab.a);
    }));

  test("that is there already is taken as it is, announced, and removed with the others", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      await first.client.haStandby({});
      await lab.heldBy(lab.b);
      await second.client.haStandby({});
      await lab.heldByNobody();
      lab.net.run(lab.a, "ip", "addr", "add", `${VIP}/24`, "dev", "eth0");
      await first.client.haClear({});
      await first.becomes("MASTER");
      await lab.serves();
      assert.equal((await first.instance()).trouble, undefined);
      await first.client.haStandby({});
      await lab.heldByNobody();
    }));

  test("that is there when a director starts is removed, and said", () =>
    HaLab.with(async (lab) => {
      lab.net.run(lab.b, "ip", "addr", "add", `${VIP}/24`, "dev", "eth0");
      await lab.start(lab.a, haConfig(150));
      const second = await lab.start(lab.b, haConfig(100));
      await says(second, /10\.79\.0\.100 was left over by a director that did not end in order/);
      await lab.heldBy(lab.a);
      await lab.serves();
    }));
});

describe("peers that are configured otherwise", { skip }, () => {
  const OTHER = "10.79.0.105";
  const address = (id: number): string => `10.79.0.${id}`;
  const config = (priority: number, routers: readonly { readonly floating: readonly string[] }[]): string =>
    JSON.stringify({
      threads: 1,
      ha: {
        floating: routers.flatMap(({ floating }) =>
          floating.map((moved) => ({ address: `${moved}/24`, interface: "eth0" })),
        ),
        vrrp: routers.map((router) => ({ interface: "eth0", priority, ...router })),
      },
    });
  const router = (id: number, more: object) => ({
    name: `VI_${id}`,
    id,
    floating: [address(id)],
    ...more,
  });
  const v2 = { version: 2, advertise: "1s" };
  const v3 = { version: 3, advertise: "100ms" };

  test("are masters beside each other where VRRP wants that, each says why; with other addresses there is one master", () =>
    HaLab.with(async (lab) => {
      const first = await lab.start(
        lab.a,
        config(150, [
          router(101, v2),
          router(102, { ...v2, password: "secret12" }),
          router(103, v3),
          router(104, v3),
        ]),
      );
      const second = await lab.start(
        lab.b,
        config(100, [
          router(101, { ...v2, advertise: "2s" }),
          router(102, { ...v2, password: "other" }),
          router(103, v2),
          router(104, { ...v3, floating: [address(104), OTHER] }),
        ]),
      );
      const reasons = { VI_101: "advert_interval_err", VI_102: "auth_failure", VI_103: "version_err" };
      for (const [name, reason] of Object.entries(reasons)) {
        for (const director of [first, second]) {
          await director.becomes("MASTER", name);
          const refused = async (): Promise<string | undefined> =>
            (await director.instance(name)).peers[0]?.rejected?.reason;
          await waitFor(`${name}: it shows ${reason}`, async () => (await refused()) === reason);
        }
      }
      await says(
        first,
        /VI_101: dropped an advertisement of 10\.79\.0\.2: .*with version 2 another one than ours/,
      );
      await says(first, /VI_102: dropped an advertisement of 10\.79\.0\.2: the password is wrong/);
      await says(first, /VI_103: dropped an advertisement of 10\.79\.0\.2: the VRRP version is not/);
      await second.becomes("BACKUP", "VI_104");
      await first.becomes("MASTER", "VI_104");
      await says(
        second,
        /10\.79\.0\.1 advertises 10\.79\.0\.104, configured here is 10\.79\.0\.104 10\.79\.0\.105/,
      );
      assert.deepEqual(lab.watch.holders(address(104)), ["a"]);
    }));

  test("are not believed with another key, and one cluster as soon as the key file is right", () =>
    HeartbeatDirectors.with({ heartbeat: { initdead: "4s" } }, async (all) => {
      const { lab } = all;
      await all.of("b").stop();
      const wrong = `${all.keyFile}-of-b`;
      writeFileSync(wrong, "auth 1\n1 sha256 another\n", { mode: 0o600 });
      await all.start("b", { auth: wrong });
      await waitFor("each takes the other for dead", () => lab.watch.holders(VIP).length === 2, 30_000);
      for (const name of ["a", "b"]) {
        assert.ok((await all.cluster(name)).counters["wrong_digest"] > 0);
        await says(
          all.of(name),
          /dropped a message of \S+ on .*: the digest is wrong: another key, or damage/,
        );
      }
      writeFileSync(wrong, "auth 1\n1 sha256 secret\n");
      await all.heldBy("a");
      await says(all.of("b"), /SPLIT BRAIN: a holds the group web too; it goes/);
      await lab.serves();
    }));

  test("are told apart by what must agree in a cluster", () =>
    HeartbeatDirectors.with({}, async (all) => {
      await all.of("b").stop();
      await all.start("b", { groups: [{ name: "web", preferred: "b" }] });
      for (const [name, other] of [
        ["a", "b"],
        ["b", "a"],
      ]) {
        await says(all.of(name), new RegExp(`node ${other} has another configuration: nodes, groups`));
        await all.sees(name, "it differs", ({ nodes }) => nodes[0].hasSameConfiguration === false);
      }
      await all.neverHeldTwice();
    }));
});

describe("without a right", { skip }, () => {
  const without = (capability: string): string[] => [
    ...["setpriv", `--bounding-set=-${capability}`, `--inh-caps=-${capability}`],
  ];

  test("CAP_NET_ADMIN: a director cannot be master, says what it lacks, and leaves it to the other one", () =>
    HaLab.with(async (lab) => {
      const poor = await lab.start(lab.a, haConfig(150), without("net_admin"));
      await poor.becomes("FAULT");
      assert.match((await poor.instance()).faults.join(), /10\.79\.0\.100.*EPERM: .*CAP_NET_ADMIN/);
      const other = await lab.start(lab.b, haConfig(100));
      await other.becomes("MASTER");
      await lab.heldBy(lab.b);
      await lab.serves();
      assert.deepEqual(lab.watch.heldTwice, []);
    }));

  for (const right of ["NET_ADMIN", "NET_RAW"]) {
    test(`CAP_${right}: a director of a cluster lets another one have the group, and says what it lacks`, () =>
      HeartbeatDirectors.with(
        { command: (_lab, name) => (name === "b" ? without(right.toLowerCase()) : []) },
        async (all) => {
          await all.of("b").client.haTakeover({});
          const faults = async (): Promise<string> => (await all.of("b").instance("web")).faults.join();
          await waitFor("it says so", async () => new RegExp(`EPERM: .*CAP_${right}`).test(await faults()));
          await all.heldBy("a");
          await all.lab.serves();
          await all.neverHeldTwice();
        },
      ));
  }
});
