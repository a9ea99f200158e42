/** The two classic set-ups of heartbeat in network namespaces, with their drills. The address is never held twice. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { HeartbeatSettings } from "../../src/ha/heartbeat/settings.js";
import { type HeartbeatDirector, HeartbeatLab, type HolderWatch, VIP } from "../helpers/heartbeat-lab.js";
import { type LabHost, labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();

interface Cluster {
  readonly lab: HeartbeatLab;
  readonly hosts: readonly LabHost[];
  /** The network's router: a ping node, and a client. */
  readonly router: LabHost;
  readonly watch: HolderWatch;
  readonly directors: HeartbeatDirector[];
  readonly settings: Omit<HeartbeatSettings, "node" | "keyFile" | "generationFile">;
}

/** Starts directors with two links, and waits until the first has the address. */
async function withCluster(
  names: readonly string[],
  changes: Partial<HeartbeatSettings>,
  use: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const lab = new HeartbeatLab();
  try {
    const hosts = names.map((name, i) => lab.addHost(name, i + 1));
    const router = lab.addHost("r", 9);
    lab.addSecondLink(...hosts);
    const settings = {
      nodes: names,
      links: [
        { kind: "bcast" as const, interface: "eth0" },
        {
          kind: "ucast" as const,
          interface: "eth1",
          peers: hosts.map(({ address }) => address.replace("10.79.", "10.80.")),
        },
      ],
      keepaliveMs: 200,
      deadMs: 3000,
      initDeadMs: 10_000,
      groups: [{ name: "web", preferred: "a", floating: [{ address: VIP, prefix: 24, interface: "eth0" }] }],
      ...changes,
    };
    const watch = lab.watchHolders(hosts);
    const directors: HeartbeatDirector[] = [];
    for (const host of hosts) directors.push(await lab.startNode(host, settings));
    const cluster = { lab, hosts, router, watch, directors, settings };
    await heldBy(cluster, "a");
    lab.ping(router, VIP);
    await use(cluster);
  } finally {
    lab.destroy();
  }
}

/** Waits until one host has the address, and the client knows it. */
async function heldBy({ lab, hosts, router }: Cluster, name: string): Promise<void> {
  const holders = (): string[] => hosts.filter((host) => lab.has(host, VIP)).map((host) => host.name);
  await waitFor(`${name} alone has the address; now: ${holders()}`, () => holders().join() === name, 30_000);
  const holder = hosts.find((host) => host.name === name);
  const known = (): string => lab.neighbour(router, VIP);
  await waitFor(
    "the client follows",
    () => known() === "" || (holder !== undefined && known() === lab.hardware(holder)),
  );
}

/** Whether two directors ever had the address, by the kernel's own notifications. */
async function neverHeldTwice({ watch }: Cluster): Promise<void> {
  await waitFor("the watch has seen the address come and go", () => watch.changes > 1);
  assert.deepEqual(watch.overlaps(), []);
}

async function heldByNobody({ lab, hosts }: Cluster): Promise<void> {
  await waitFor("nobody has the address", () => hosts.every((host) => !lab.has(host, VIP)), 15_000);
}

describe("three directors with quorum and a preferred one", { skip }, () => {
  const NAMES = ["a", "b", "c"];

  test("stop and kill the active one, bring it back, put it to standby, take over", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { lab, hosts, directors, settings } = cluster;
      await directors[0].stop();
      assert.equal(lab.has(hosts[0], VIP), false, "it is removed before the process ends");
      await heldBy(cluster, "b");

      directors[0] = await lab.startNode(hosts[0], settings);
      await heldBy(cluster, "a");

      directors[0].command("standby all");
      await heldBy(cluster, "b");
      directors[2].command("takeover all");
      await heldBy(cluster, "c");
      directors[0].command("online");
      await waitFor(
        "a is no longer in standby",
        async () => (await directors[0].status()).heartbeat?.standby.length === 0,
      );
      await heldBy(cluster, "c");
      directors[0].command("takeover all");
      await heldBy(cluster, "a");
      await neverHeldTwice(cluster);
    }));

  test("cut one link: nothing moves; cut both: the two others go on, and the one without quorum has let go before", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { lab, hosts, directors } = cluster;
      lab.unplug(hosts[0], "eth1");
      await waitFor("the link is seen to be silent", async () => {
        const { heartbeat } = await directors[1].status();
        return heartbeat?.links.find(({ name }) => name === "ucast eth1")?.hears.join() === "c";
      });
      await heldBy(cluster, "a");
      lab.unplug(hosts[0], "eth0");
      await heldBy(cluster, "b");
      lab.unplug(hosts[0], "eth0", false);
      lab.unplug(hosts[0], "eth1", false);
      await heldBy(cluster, "a");
      await neverHeldTwice(cluster);
    }));

  test("lose quorum: the last one lets go; with quorum again it takes the address back", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { lab, hosts, directors, settings } = cluster;
      await directors[1].kill();
      await waitFor("b is missed", async () => (await directors[0].status()).heartbeat?.members === 2);
      assert.ok(lab.has(hosts[0], VIP), "two of three are enough");
      await directors[2].kill();
      await heldByNobody(cluster);
      directors[1] = await lab.startNode(hosts[1], settings);
      await heldBy(cluster, "a");
      await neverHeldTwice(cluster);
    }));

  test("a process that stood still longer than deadtime lets go before it says anything", () =>
    withCluster(NAMES, { autoFailback: false }, async (cluster) => {
      const { lab, hosts, directors } = cluster;
      directors[0].signal("SIGSTOP");
      await waitFor("b has the address", () => lab.has(hosts[1], VIP));
      directors[0].signal("SIGCONT");
      await waitFor("a has let go", () => !lab.has(hosts[0], VIP));
      await waitFor("it says so", () => directors[0].events.some(({ kind }) => kind === "stalled"));
      assert.ok(lab.has(hosts[1], VIP));
    }));
});

describe("a pair with auto_failback and a ping node", { skip }, () => {
  const NAMES = ["a", "b"];
  const ping = { targets: [{ name: "router", hosts: ["10.79.0.9"] }] };

  test("stop the active one, bring it back, cut its way to the ping node, mend it, standby, takeover", () =>
    withCluster(NAMES, { ping }, async (cluster) => {
      const { lab, hosts, router, directors, settings } = cluster;
      const reaches = async (index: number, state: string): Promise<void> =>
        waitFor(`ping node ${state} at ${NAMES[index]}`, async () => {
          const { heartbeat } = await directors[index].status();
          return heartbeat?.pings[0].state === state;
        });
      await reaches(0, "up");
      await reaches(1, "up");
      await directors[0].stop();
      await heldBy(cluster, "b");
      directors[0] = await lab.startNode(hosts[0], settings);
      await heldBy(cluster, "a");

      // The directors still hear each other on both links.
      lab.partition([hosts[0], router], true);
      await heldBy(cluster, "b");
      lab.partition([hosts[0], router], false);
      await heldBy(cluster, "a");

      lab.unplug(router, "eth0");
      await reaches(0, "down");
      await reaches(1, "down");
      await heldBy(cluster, "a");
      lab.unplug(router, "eth0", false);
      await reaches(0, "up");

      directors[0].command("standby local");
      await heldBy(cluster, "b");
      directors[0].command("takeover local");
      await heldBy(cluster, "a");
      await neverHeldTwice(cluster);
    }));

  test("standby is refused where nobody could take over", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { directors } = cluster;
      await directors[1].stop();
      await waitFor(
        "b has left",
        async () => (await directors[0].status()).heartbeat?.nodes[0].state === "left",
      );
      directors[0].command("standby all");
      await waitFor("a refuses", () => directors[0].refusals.length > 0);
      assert.match(directors[0].refusals[0], /no other director can take web/);
      await heldBy(cluster, "a");
    }));

  test("split brain resolves as soon as they hear each other, and the client knows the one that stays", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { lab, hosts, router, directors } = cluster;
      const [a, b] = hosts;
      lab.unplug(a, "eth1");
      lab.partition(hosts, true);
      await waitFor("both have the address", () => lab.has(a, VIP) && lab.has(b, VIP));
      await waitFor("the client follows the last one", () => lab.neighbour(router, VIP) === lab.hardware(b));
      lab.partition(hosts, false);
      await heldBy(cluster, "a");
      await waitFor("the client is told", () => lab.neighbour(router, VIP) === lab.hardware(a));
      for (const director of directors) {
        await waitFor("it is told", () => director.events.some(({ kind }) => kind === "conflict"));
        const [{ counters }] = (await director.status()).instances;
        assert.ok(counters["conflict"] > 0, "and counted");
      }
    }));

  test("forged messages and noise change counters and nothing else", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { lab, hosts, router, directors } = cluster;
      const noise = `
        const socket = require("node:dgram").createSocket("udp4");
        socket.bind(() => {
          socket.setBroadcast(true);
          let left = 2000;
          const send = () => {
            if (left-- === 0) return socket.close();
            const text = left % 2 ? "noise" : [">>>", "t=shutdone", "src=a", "seq=1", "hg=fffffff", "ts=1", "auth=1 00", "<<<", ""].join(String.fromCharCode(10));
            socket.send(text, 694, "10.79.0.255", () => setImmediate(send));
          };
          send();
        });`;
      lab.run(router, process.execPath, "-e", noise);
      const { heartbeat } = await directors[1].status();
      assert.ok((heartbeat?.counters["wrong_digest"] ?? 0) > 100);
      assert.ok((heartbeat?.counters["malformed"] ?? 0) > 100);
      assert.equal(heartbeat?.nodes[0].state, "active");
      assert.ok(lab.has(hosts[0], VIP));
      assert.equal(
        directors[0].events.filter(({ kind }) => kind === "transition").length,
        2,
        "INIT, BACKUP, MASTER",
      );
    }));
});

describe("fencing", { skip }, () => {
  const NAMES = ["a", "b"];

  test("a killed director is fenced before its address is taken; a command that fails keeps everything where it is", () =>
    withCluster(NAMES, {}, async (cluster) => {
      const { lab, hosts, directors, settings } = cluster;
      const [a, b] = hosts;
      await directors[1].stop();
      const permit = join(lab.folder, "permit");
      const script = join(lab.folder, "fence");
      // What a switched power socket does: the address is gone with its host.
      const text = `#!/bin/sh
        [ "$1 $2" = "off a" ] || exit 3
        [ -e ${permit} ] || { echo the socket does not answer; exit 1; }
        ip netns exec ${a.namespace} ip addr del ${VIP}/24 dev eth0
`;
      writeFileSync(script, text, { mode: 0o755 });
      const fencing = { a: { command: { path: script, args: [] }, action: "off" as const, retryMs: 200 } };
      directors[1] = await lab.startNode(b, { ...settings, fencing });
      await waitFor(
        "they hear each other",
        async () => (await directors[1].status()).heartbeat?.members === 2,
      );
      await directors[0].kill();
      const fencings = () => directors[1].events.filter((event) => event.kind === "fencing");
      await waitFor("fencing has failed more than once", () => fencings().length > 1);
      assert.match(JSON.stringify(fencings()[0]), /the socket does not answer/);
      assert.equal(lab.has(b, VIP), false);
      assert.match(directors[1].log, /COULD NOT BE FENCED/);
      writeFileSync(permit, "");
      await heldBy(cluster, "b");
      await neverHeldTwice(cluster);
    }));
});
