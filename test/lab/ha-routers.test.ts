/**
 * Two real directors with several virtual routers each: two that make a sync group, one for IPv6, one that the other director
 * is to be master of; and what is tracked with weights. The drills follow one another on the same pair.
 */
import assert from "node:assert/strict";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HaLab, type LabUvsd, VIP } from "../helpers/ha-lab.js";
import { labMissing, textOf } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const INNER = "10.80.0.100";
const OTHER = "10.79.0.101";
const V6 = "fd79::100";
const V6_LINK = "fe80::100";

interface Scene {
  readonly lab: HaLab;
  readonly first: LabUvsd;
  readonly second: LabUvsd;
  /** Starts a director of the pair again. */
  start(name: string): Promise<LabUvsd>;
  /** A file that the tracked script finds where the director is sick. */
  readonly sick: string;
  /** What hooks have said on a director. */
  said(name: string): string[];
}

function config({ net }: HaLab, name: string): string {
  const isFirst = name === "a";
  const [high, low] = isFirst ? [150, 100] : [100, 150];
  const hook = `${join(net.folder, "hook.sh")} ${name}`;
  const router = { version: 3, advertise: "100ms", priority: high };
  const track = {
    interfaces: [{ name: "uplink", weight: -60 }],
    scripts: [{ name: "sick", weight: 60, reverse: true }],
    services: [{ name: `tcp://${VIP}:80`, weight: -60 }],
  };
  return JSON.stringify({
    services: [
      {
        listen: `tcp://${VIP}:80`,
        realservers: ["10.79.0.20:8080"],
        // The other director does not look, so that only one of them misses the realserver.
        ...(isFirst && { health: { type: "connect", interval: "100ms", rise: 1, fall: 1 } }),
      },
      { listen: `tcp://[${V6}]:80`, realservers: ["10.79.0.20:8080"] },
    ],
    threads: 1,
    shutdown: { grace: "1s" },
    ha: {
      floating: [
        { address: `${VIP}/24`, interface: "eth0" },
        { address: `${INNER}/24`, interface: "eth1" },
        { address: `${OTHER}/24`, interface: "eth0" },
        { address: `${V6_LINK}/64`, interface: "eth0" },
        { address: `${V6}/64`, interface: "eth0" },
      ],
      vrrp: [
        { ...router, name: "outer", id: 51, interface: "eth0", floating: [VIP], notify: { any: hook } },
        { ...router, name: "inner", id: 52, interface: "eth1", floating: [INNER] },
        { ...router, name: "six", id: 51, interface: "eth0", floating: [V6_LINK, V6] },
        {
          ...router,
          ...(isFirst && { track }),
          name: "other",
          id: 53,
          interface: "eth0",
          priority: isFirst ? 150 : 120,
          floating: [OTHER],
        },
        { ...router, name: "spare", id: 54, interface: "eth0", priority: low, floating: [] },
      ],
      scripts: [
        {
          name: "sick",
          command: `/usr/bin/test -e ${join(net.folder, "sick")}`,
          interval: "100ms",
        },
      ],
      "sync-groups": [{ name: "both", members: ["outer", "inner"], notify: { any: hook } }],
    },
  });
}

function scene(use: (scene: Scene) => Promise<void>): Promise<void> {
  return HaLab.with(async (lab) => {
    const { net } = lab;
    const hook = join(net.folder, "hook.sh");
    writeFileSync(hook, `#!/bin/sh\nfile=$1; shift; echo "$@" >> ${net.folder}/said-$file\n`);
    chmodSync(hook, 0o755);
    net.addSecondLink(lab.a, lab.b);
    for (const host of lab.directors) {
      net.run(host, "ip", "link", "add", "uplink", "type", "veth", "peer", "name", "router");
      net.run(host, "ip", "link", "set", "router", "up");
      net.run(host, "ip", "link", "set", "uplink", "up");
    }
    net.run(lab.client, "ip", "addr", "add", "fd79::9/64", "dev", "eth0", "nodad");
    const start = (name: string): Promise<LabUvsd> =>
      lab.start(name === "a" ? lab.a : lab.b, config(lab, name));
    const [first, second] = await Promise.all([start("a"), start("b")]);
    const said = (name: string): string[] =>
      textOf(join(net.folder, `said-${name}`))
        .trim()
        .split("\n");
    await use({ lab, first, second, start, said, sick: join(net.folder, "sick") });
  });
}

test("a pair of directors with several virtual routers", { skip }, (t) =>
  scene(async (scene) => {
    const { lab, first, second, said } = scene;
    const { net, watch, a, b } = lab;

    await t.test(
      "each router is where its priority is highest; IPv6 beside IPv4, ids once per family",
      async () => {
        for (const address of [VIP, INNER, OTHER, V6, V6_LINK]) await lab.heldBy(a, address);
        await second.becomes("MASTER", "spare");
        await first.becomes("BACKUP", "spare");
        await lab.serves();
        await lab.serves(V6);
        assert.equal(net.neighbour(lab.client, V6), net.hardware(a));
      },
    );

    await t.test("a sync group moves as a whole when one of its members cannot be master", async () => {
      net.unplug(a, "eth1");
      await lab.heldBy(b, VIP);
      await lab.heldBy(b, INNER);
      await first.becomes("FAULT", "outer");
      assert.match((await first.instance("outer")).faults.join(), /inner: .*eth1/);
      await lab.heldBy(a, V6);
      await waitFor("both are told", () => said("b").includes("GROUP both MASTER 0"));
      await waitFor("the member too", () => said("b").includes("INSTANCE outer MASTER 100"));
      net.unplug(a, "eth1", false);
      await lab.heldBy(a, VIP);
      await lab.heldBy(a, INNER);
      await waitFor(
        "it is told",
        () => said("a").filter((line) => line === "GROUP both MASTER 0").length === 2,
      );
    });

    await t.test("a member that is put to standby takes its sync group along", async () => {
      await first.client.haStandby({ instance: "inner" });
      await lab.heldBy(b, VIP);
      await lab.heldBy(b, INNER);
      await first.client.haClear({});
      await lab.heldBy(a, VIP);
      await lab.heldBy(a, INNER);
    });

    await t.test("a tracked interface, script and service change the priority by their weights", async () => {
      const priority = async (): Promise<number> => (await first.instance("other")).priority;
      const moves = async (what: string, breaks: () => void, mends: () => void, expected: number) => {
        breaks();
        await waitFor(`${what} is counted`, async () => (await priority()) === expected);
        await lab.heldBy(b, OTHER);
        assert.equal((await first.instance("other")).state, "BACKUP");
        mends();
        await lab.heldBy(a, OTHER);
      };
      // A reversed script adds its weight while it fails: 150 + 60.
      await waitFor("all is well", async () => (await priority()) === 210);
      await moves(
        "the interface and the script",
        () => {
          net.run(a, "ip", "link", "set", "uplink", "down");
          writeFileSync(scene.sick, "");
        },
        () => {
          net.run(a, "ip", "link", "set", "uplink", "up");
          rmSync(scene.sick);
        },
        90,
      );
      await moves(
        "the service and the script",
        () => {
          lab.stopRealserver();
          writeFileSync(scene.sick, "");
        },
        () => {
          lab.startRealserver();
          rmSync(scene.sick);
        },
        90,
      );
    });

    await t.test(
      "SIGKILL: the guardian takes all addresses off and tells the peers of every router",
      async () => {
        const before = watch.heldTwice.length;
        await first.kill();
        for (const address of [VIP, INNER, OTHER, V6, V6_LINK]) await lab.heldBy(b, address);
        for (const name of ["outer", "inner", "other", "six"]) {
          const { reason } = await second.instance(name);
          assert.match(reason, /the master has left|the sync group became master/, name);
        }
        assert.deepEqual(watch.heldTwice.slice(before), []);
        await lab.serves();
        await lab.serves(V6);
        assert.equal(net.neighbour(lab.client, V6), net.hardware(b));
      },
    );

    await t.test("a director that is back takes what it is the better one for", async () => {
      await scene.start("a");
      for (const address of [VIP, INNER, OTHER, V6, V6_LINK]) await lab.heldBy(a, address);
      await second.becomes("MASTER", "spare");
      await lab.serves(V6);
    });
  }),
);
