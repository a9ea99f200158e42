/** A director of ours beside Linux-HA's own heartbeat 3: what each makes of the other's messages. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HaLab, VIP } from "../helpers/ha-lab.js";
import { type LabHost, labMissing, textOf, type VrrpLab } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const HEARTBEAT = "/usr/libexec/heartbeat/heartbeat";
const skip = labMissing() ?? (existsSync(HEARTBEAT) ? false : "heartbeat is not installed");

/** Of our director, the other half of the pair. @param folder where its files are */
const config = (folder: string): string =>
  JSON.stringify({
    threads: 1,
    ha: {
      floating: [{ address: `${VIP}/24`, interface: "eth0" }],
      heartbeat: {
        node: "b",
        nodes: ["a", "b"],
        links: [{ bcast: "eth0" }],
        auth: join(folder, "authkeys"),
        state: join(folder, "b.generation"),
        keepalive: "200ms",
        deadtime: "2s",
        initdead: "20s",
        groups: [{ name: "web", preferred: "a" }],
      },
    },
  });

/** Starts heartbeat with folders of its own in place of the host's; its name is the host's. */
function startHeartbeat(lab: VrrpLab, host: LabHost): { log: string; inside: (command: string) => string } {
  const folder = join(lab.folder, "linux-ha");
  const [etc, run, state] = ["ha.d", "run", "lib"].map((name) => join(folder, name));
  const log = join(folder, "log");
  cpSync("/etc/ha.d", etc, { recursive: true });
  for (const made of ["ccm", "crm", "dopd", "rsctmp"]) {
    mkdirSync(join(run, "heartbeat", made), { recursive: true });
  }
  cpSync("/var/lib/heartbeat", state, { recursive: true });
  execFileSync("chown", ["-R", "hacluster:haclient", join(run, "heartbeat")]);
  const ha = [
    `logfile ${log}`,
    `debugfile ${log}`,
    "logfacility none",
    "keepalive 200ms",
    "deadtime 2",
    "initdead 10",
    "bcast eth0",
    "auto_failback off",
    "node a b",
  ];
  writeFileSync(join(etc, "ha.cf"), `${ha.join("\n")}\n`);
  writeFileSync(join(etc, "authkeys"), "auth 1\n1 sha1 testkey\n");
  chmodSync(join(etc, "authkeys"), 0o600);
  writeFileSync(join(etc, "haresources"), `a IPaddr2::${VIP}/24/eth0\n`);
  const mounts = [
    `hostname ${host.name}`,
    `mount --bind ${etc} /etc/ha.d`,
    `mount --bind ${run} /run`,
    `mount --bind ${state} /var/lib/heartbeat`,
  ];
  const start = `${mounts.join(" && ")} && ${HEARTBEAT} && exec sleep infinity`;
  const child = lab.spawn(host, "unshare", ["--uts", "--mount", "sh", "-c", start]);
  const inside = (command: string): string =>
    execFileSync(
      "nsenter",
      ["-t", String(child.pid), "-u", "-m", "-n", "sh", "-c", `${command} 2>&1 || true`],
      {
        encoding: "utf8",
      },
    );
  return { log, inside };
}

test(
  "heartbeat 3 takes us for a living node, we leave it what it holds, and take it when it says goodbye",
  {
    skip,
  },
  () =>
    HaLab.with(async (lab) => {
      const { net, a, b } = lab;
      writeFileSync(join(net.folder, "authkeys"), "auth 1\n1 sha1 testkey\n", { mode: 0o600 });
      const director = await lab.start(b, config(net.folder));
      const { log, inside } = startHeartbeat(net, a);
      const cluster = async () => (await director.client.haStatus()).heartbeat;
      const within = (what: string, condition: () => boolean | Promise<boolean>): Promise<void> =>
        waitFor(what, condition, 60_000).catch((error: Error) => {
          throw new Error(`${error.message}\n${textOf(log).slice(-3000)}\n${director.log.slice(-3000)}`);
        });
      await within("we hear it", async () => (await cluster())?.nodes[0].state === "active");
      await within("it hears us", () => inside("cl_status nodestatus b").trim() === "active");
      await within("it has the address", () => lab.watch.holders(VIP).includes("a"));
      await within("we know that", async () => (await cluster())?.nodes[0].holds.includes("web") ?? false);
      const counters = (await cluster())?.counters ?? {};
      assert.deepEqual([counters["wrong_digest"], counters["malformed"]], [0, 0]);
      assert.doesNotMatch(textOf(log), /failed authentication|bad packet/i);
      inside(`${HEARTBEAT} -k`);
      await within("we alone have the address", () => lab.watch.holders(VIP).join() === "b");
      assert.deepEqual(lab.watch.heldTwice, []);
    }),
);
