/** Two directors of ours in network namespaces, with a client that sees where the address is. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { RouterSettings, VrrpSettings } from "../../src/ha/vrrp/peer-settings.js";
import { type LabHost, labMissing, textOf, VrrpLab } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const VIP = "10.79.0.100";
const skip = labMissing();

interface Lab {
  readonly lab: VrrpLab;
  readonly a: LabHost;
  readonly b: LabHost;
  readonly client: LabHost;
}

async function withLab(use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = new VrrpLab();
  try {
    await use({ lab, a: lab.addHost("a", 1), b: lab.addHost("b", 2), client: lab.addHost("c", 9) });
  } finally {
    lab.destroy();
  }
}

function settings(priority: number, changes: Partial<RouterSettings> = {}): VrrpSettings {
  const router: RouterSettings = {
    name: "vi",
    interface: "eth0",
    id: 51,
    version: 3,
    family: 4,
    priority,
    advertMs: 100,
    addresses: [VIP],
    floating: [{ address: VIP, prefix: 24, interface: "eth0" }],
    ...changes,
  };
  return { routers: [router] };
}

const holds = ({ lab }: Lab, host: LabHost, address = VIP): Promise<void> =>
  waitFor(`${host.name} has ${address}`, () => lab.has(host, address));
const hasNot = ({ lab }: Lab, host: LabHost, address = VIP): Promise<void> =>
  waitFor(`${host.name} does not have ${address}`, () => !lab.has(host, address));

/** Both started, A is master, and the client knows A. */
async function pair(env: Lab, first: Partial<RouterSettings> = {}, second: Partial<RouterSettings> = {}) {
  const { lab, a, b, client } = env;
  const first_ = await lab.startDirector(a, settings(150, first));
  const second_ = await lab.startDirector(b, settings(100, second));
  await holds(env, a);
  await hasNot(env, b);
  lab.ping(client, VIP);
  assert.equal(lab.neighbour(client, VIP), lab.hardware(a));
  return { first: first_, second: second_ };
}

describe("two directors", { skip }, () => {
  test("hand the address over when one leaves, and back when it returns; the client is told each time", () =>
    withLab(async (env) => {
      const { lab, a, b, client } = env;
      const { first, second } = await pair(env);
      await first.stop();
      assert.equal(lab.has(a, VIP), false, "an address is removed before the process ends");
      await holds(env, b);
      await waitFor("the client follows", () => lab.neighbour(client, VIP) === lab.hardware(b));
      await lab.startDirector(a, settings(150));
      await holds(env, a);
      await hasNot(env, b);
      await waitFor("the client follows", () => lab.neighbour(client, VIP) === lab.hardware(a));
      await waitFor("it says so", () => second.state() === "BACKUP");
    }));

  test("a killed director is replaced, and removes what it left behind when it is started again", () =>
    withLab(async (env) => {
      const { lab, a, b } = env;
      const { first } = await pair(env);
      await first.kill();
      await holds(env, b);
      assert.equal(lab.has(a, VIP), true, "nobody could remove it");
      // Another address is configured now: only the note knows of the old one.
      const other = "10.79.0.101";
      const changed = { addresses: [other], floating: [{ address: other, prefix: 24, interface: "eth0" }] };
      await lab.startDirector(a, settings(50, changed));
      await hasNot(env, a);
    }));

  test("a stopped process that goes on yields before it says anything, and without preempt for good", () =>
    withLab(async (env) => {
      const { lab, a, b, client } = env;
      const { first, second } = await pair(env, { preempt: false });
      first.signal("SIGSTOP");
      await holds(env, b);
      first.signal("SIGCONT");
      await hasNot(env, a);
      await waitFor("it says so", () => first.state() === "BACKUP");
      assert.ok(first.events.some(({ kind }) => kind === "stalled"));
      assert.equal(lab.has(b, VIP), true);
      assert.equal(second.events.filter(({ kind }) => kind === "conflict").length, 0);
      assert.equal(lab.neighbour(client, VIP), lab.hardware(b));
    }));

  test("after a partition that the client does not see, the better one has the address and the client knows", () =>
    withLab(async (env) => {
      const { lab, a, b, client } = env;
      const { first } = await pair(env);
      lab.partition([a, b], true);
      await holds(env, b);
      await waitFor("the client follows the last one", () => lab.neighbour(client, VIP) === lab.hardware(b));
      lab.partition([a, b], false);
      await hasNot(env, b);
      assert.equal(lab.has(a, VIP), true);
      await waitFor("the client is told", () => lab.neighbour(client, VIP) === lab.hardware(a));
      await waitFor("it says so", () => first.events.some(({ kind }) => kind === "conflict"));
    }));

  test("an interface that goes down is a fault; when it is back so is the address", () =>
    withLab(async (env) => {
      const { lab, a, b } = env;
      const { first } = await pair(env);
      lab.run(a, "ip", "link", "set", "eth0", "down");
      await waitFor("a fault", () => first.state() === "FAULT");
      await hasNot(env, a);
      await holds(env, b);
      lab.run(a, "ip", "link", "set", "eth0", "up");
      await holds(env, a);
      await hasNot(env, b);
    }));

  test("an address that somebody removes is added again, without a failover", () =>
    withLab(async (env) => {
      const { lab, a } = env;
      const { first } = await pair(env);
      lab.run(a, "ip", "addr", "del", `${VIP}/24`, "dev", "eth0");
      await holds(env, a);
      const { state, transitions } = await first.status();
      assert.deepEqual([state, transitions], ["MASTER", 2]);
    }));

  test("standby gives the address to the other, takeover takes it back", () =>
    withLab(async (env) => {
      const { a, b } = env;
      const { first, second } = await pair(env);
      first.command("standby vi");
      await holds(env, b);
      await hasNot(env, a);
      first.command("online vi");
      await holds(env, a);
      second.command("takeover vi");
      await holds(env, b);
      await hasNot(env, a);
    }));

  test("hooks get keepalived's arguments in order, and one that hangs delays nothing", () =>
    withLab(async (env) => {
      const { lab, b } = env;
      const hook = join(lab.folder, "hook.sh");
      const said = join(lab.folder, "said");
      writeFileSync(hook, `#!/bin/sh\necho "$@" >> ${said}\n[ "$4" = BACKUP ] || exec sleep 1000\n`);
      chmodSync(hook, 0o755);
      const notify = { any: { path: hook, args: ["here"] } };
      const { first } = await pair(env, { notify }, { notify });
      await waitFor("the hooks", () => textOf(said).includes("here INSTANCE vi MASTER 150"));
      first.signal("SIGKILL");
      await holds(env, b);
      await waitFor("the other's hook", () => textOf(said).includes("here INSTANCE vi MASTER 100"));
      assert.deepEqual(
        textOf(said)
          .split("\n")
          .filter((line) => line.endsWith("100")),
        ["here INSTANCE vi BACKUP 100", "here INSTANCE vi MASTER 100"],
      );
    }));

  test("resources are started after the address came and stopped before it goes", () =>
    withLab(async (env) => {
      const { lab, a, b } = env;
      const script = join(lab.folder, "service.sh");
      const said = join(lab.folder, "said");
      writeFileSync(
        script,
        `#!/bin/sh
there=$(ip -o addr show dev eth0 | grep -c ${VIP}/)
case $2 in
status) [ -e ${lab.folder}/$1 ] && exit 0; exit 3;;
start) touch ${lab.folder}/$1;;
stop) rm -f ${lab.folder}/$1;;
esac
echo $1 $2 $there >> ${said}
`,
      );
      chmodSync(script, 0o755);
      const resources = ["one", "two"].map((name) => ({ kind: "lsb" as const, path: script, args: [name] }));
      const { first } = await pair(env, { resources });
      await waitFor("both are started", () => textOf(said).split("\n").length === 3);
      await first.stop();
      await holds(env, b);
      assert.deepEqual(textOf(said).trim().split("\n"), [
        "one start 1",
        "two start 1",
        "two stop 1",
        "one stop 1",
      ]);
      assert.equal(lab.has(a, VIP), false);
    }));
});

test("two directors share an IPv6 address", { skip }, () =>
  withLab(async (env) => {
    const { lab, a, b, client } = env;
    const vip = "fd79::100";
    const v6: Partial<RouterSettings> = {
      family: 6,
      addresses: ["fe80::100", vip],
      floating: [
        { address: "fe80::100", prefix: 64, interface: "eth0" },
        { address: vip, prefix: 64, interface: "eth0" },
      ],
    };
    lab.run(client, "ip", "addr", "add", "fd79::9/64", "dev", "eth0");
    const first = await lab.startDirector(a, settings(150, v6));
    await lab.startDirector(b, settings(100, v6));
    await holds(env, a, vip);
    lab.ping(client, vip);
    assert.equal(lab.neighbour(client, vip), lab.hardware(a));
    await first.stop();
    await holds(env, b, vip);
    await waitFor("the client follows", () => lab.neighbour(client, vip) === lab.hardware(b));
  }),
);
