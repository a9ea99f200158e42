/** Heartbeat between real directors that have nothing but IPv6 for one another, and share an IPv6 address. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HaLab, type LabUvsd } from "../helpers/ha-lab.js";
import { type LabHost, labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const V6 = "fd79::100";

/** Link-local address of a host's interface, as the kernel makes it from its hardware address. */
function linkLocal({ net }: HaLab, host: LabHost): string {
  return /inet6 (fe80:[^/]+)/.exec(net.run(host, "ip", "-6", "addr", "show", "dev", "eth1"))?.[1] ?? "";
}

function config(lab: HaLab, node: string): string {
  return JSON.stringify({
    services: [{ listen: `tcp://[${V6}]:80`, realservers: ["10.79.0.20:8080"] }],
    threads: 1,
    shutdown: { grace: "1s" },
    ha: {
      floating: [{ address: `${V6}/64`, interface: "eth0" }],
      heartbeat: {
        node,
        nodes: ["a", "b"],
        links: [
          { ucast: "eth0", peers: ["fd79::1", "fd79::2"] },
          { ucast: "eth1", peers: lab.directors.map((host) => linkLocal(lab, host)) },
          { mcast: "eth1", group: "ff02::694" },
        ],
        auth: join(lab.net.folder, "authkeys"),
        state: join(lab.net.folder, `${node}.generation`),
        keepalive: "200ms",
        deadtime: "3s",
        ping: { nodes: ["fd79::9"] },
        groups: [{ name: "web", preferred: "a" }],
      },
    },
  });
}

test("a pair of directors with heartbeat over IPv6", { skip }, (t) =>
  HaLab.with(async (lab) => {
    const { net, a, b, client } = lab;
    writeFileSync(join(net.folder, "authkeys"), "auth 1\n1 sha256 secret\n", { mode: 0o600 });
    for (const [i, host] of [a, b, client].entries()) {
      net.run(host, "ip", "addr", "add", `fd79::${[1, 2, 9][i]}/64`, "dev", "eth0", "nodad");
    }
    net.addSecondLink(a, b);
    await waitFor("both have link-local addresses", () =>
      lab.directors.every((host) => linkLocal(lab, host)),
    );
    const start = (host: LabHost): Promise<LabUvsd> => lab.start(host, config(lab, host.name));
    const [first, second] = await Promise.all([start(a), start(b)]);
    const cluster = async (director: LabUvsd) => (await director.client.haStatus()).heartbeat;

    await t.test("every link carries messages, and the ping node answers", async () => {
      for (const [director, other] of [
        [first, "b"],
        [second, "a"],
      ] as const) {
        await waitFor("all links carry", async () => {
          const { links = [], pings = [] } = (await cluster(director)) ?? {};
          return links.every(({ hears }) => hears.join() === other) && pings[0]?.state === "up";
        });
      }
      assert.deepEqual(
        (await cluster(first))?.links.map(({ source }) => source),
        ["fd79::1", linkLocal(lab, a), linkLocal(lab, a)],
      );
      await lab.heldBy(a, V6);
      await lab.serves(V6);
      assert.equal(net.neighbour(client, V6), net.hardware(a));
    });

    await t.test("standby and takeover move the address, and the client is told", async () => {
      await first.client.haStandby({});
      await lab.heldBy(b, V6);
      await first.client.haTakeover({});
      await lab.heldBy(a, V6);
      await lab.serves(V6);
    });

    await t.test(
      "SIGKILL: the guardian says goodbye over IPv6, so that nobody waits for deadtime",
      async () => {
        await first.kill();
        await lab.heldBy(b, V6);
        assert.equal((await cluster(second))?.nodes[0].state, "left");
        assert.doesNotMatch(first.log, /could not be told/);
        await lab.serves(V6);
        assert.deepEqual(lab.watch.heldTwice, []);
      },
    );
  }),
);
