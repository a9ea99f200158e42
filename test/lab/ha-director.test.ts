/** Two real directors that share an address by VRRP: what becomes of it, and of a client, when parts of them end. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { DEFAULT_REALSERVER as REALSERVER } from "../../src/core/model.js";
import { HaLab, haConfig, isRunning, UVSD, VIP } from "../helpers/ha-lab.js";
import { Foreign, labMissing, textOf } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const SECOND_VIP = "10.79.0.101";

describe("a pair of directors", { skip }, () => {
  test("SIGTERM hands over before the director ends, and a client is served by the other", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      await lab.serves();
      await first.stop();
      assert.equal(lab.net.has(lab.a, VIP), false);
      assert.match(first.log, /director stopped/);
      await second.becomes("MASTER");
      assert.match((await second.instance()).reason, /the master has left/);
      await lab.serves();
    }));

  test("SIGKILL of the director: its guardian takes the address off and tells the peer, and forgets it", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      await lab.serves();
      const guardian = await first.guardianPid();
      await first.kill();
      await lab.hasNot(lab.a);
      await second.becomes("MASTER");
      assert.equal((await second.instance()).reason, "the master has left");
      await waitFor("the guardian ends", () => !isRunning(guardian));
      assert.deepEqual(JSON.parse(readFileSync(join(lab.net.folder, "a.sock.held"), "utf8")), []);
      await lab.serves();
    }));

  test("SIGKILL of forwarder and guardian: no failover, and a new guardian does its work", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      const before = [(await first.instance()).transitions, (await second.instance()).transitions];
      const [forwarder] = (await first.client.status()).forwarders;
      const guardian = await first.guardianPid();
      for (const victim of [forwarder.pid, guardian]) process.kill(victim, "SIGKILL");
      await waitFor(
        "another guardian watches",
        async () => ![0, guardian].includes(await first.guardianPid()),
      );
      await lab.serves();
      assert.equal(lab.net.has(lab.a, VIP), true);
      assert.deepEqual([(await first.instance()).transitions, (await second.instance()).transitions], before);
      assert.equal((await first.client.haStatus()).guardian?.restarts, 1);
      await first.kill();
      await lab.hasNot(lab.a);
      await lab.holds(lab.b);
    }));

  test("SIGKILL of director and guardian: the next start removes what they left behind", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      const guardian = await first.guardianPid();
      process.kill(guardian, "SIGSTOP");
      // Its end is known when its output is closed, which the stopped guardian holds open.
      first.signal("SIGKILL");
      await waitFor(
        "the director is dead",
        () => first.child.exitCode !== null || first.child.signalCode !== null,
      );
      process.kill(guardian, "SIGKILL");
      await second.becomes("MASTER");
      assert.equal(lab.net.has(lab.a, VIP), true, "nobody could remove it");
      // Another address is configured now: only the note knows of the old one.
      await lab.start(lab.a, haConfig(50).replaceAll(VIP, SECOND_VIP));
      await lab.hasNot(lab.a);
      await lab.serves();
    }));

  test("SIGSTOP for longer than the down interval, then SIGCONT: its guardian takes the address off, and it yields before it says anything", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair(
        haConfig(150, "preempt: false"),
        haConfig(100, "preempt: false"),
      );
      first.signal("SIGSTOP");
      await second.becomes("MASTER");
      await lab.hasNot(lab.a);
      first.signal("SIGCONT");
      await first.becomes("BACKUP");
      await lab.hasNot(lab.a);
      const { counters, reason } = await first.instance();
      assert.equal(counters["stalled"] > 0, true);
      assert.equal(reason, "another master advertised while this director was stalled");
      assert.equal((await second.instance()).conflicts, 0);
      await lab.serves();
    }));

  test("standby gives the address away and keeps away, also when the other one ends; clear and takeover end it", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      await first.client.haStandby({});
      await second.becomes("MASTER");
      await lab.hasNot(lab.a);
      await lab.serves();
      assert.deepEqual((await first.instance()).faults, ["put to standby by the operator"]);
      await second.client.haStandby({ instance: "VI_51" });
      await lab.hasNot(lab.b);
      assert.equal(lab.net.has(lab.a, VIP), false);
      await second.client.haTakeover({});
      await lab.holds(lab.b);
      await first.client.haClear({});
      await first.becomes("BACKUP");
      assert.equal(
        (await second.instance()).priority,
        254,
        "a better one does not preempt who was told to take over",
      );
      await second.client.haClear({});
      await first.becomes("MASTER");
      await second.becomes("BACKUP");
      await assert.rejects(first.client.haStandby({ instance: "VI_9" }), /no instance VI_9; there are VI_51/);
      await assert.rejects(first.client.haStandby({ scope: "local" }), /accepted with VRRP is all/);
    }));

  test("a tracked service that loses its realservers is a fault, and the other director serves", () =>
    HaLab.with(async (lab) => {
      const check = "health: { type: connect, interval: 100ms, rise: 1, fall: 1 }";
      const track = `track: { services: [ "tcp://${VIP}:80" ] }`;
      const { first, second } = await lab.pair(haConfig(150, track, "", check));
      lab.stopRealserver();
      await first.becomes("FAULT");
      assert.deepEqual((await first.instance()).faults, [`service tcp://${VIP}:80 is down`]);
      await second.becomes("MASTER");
      lab.startRealserver();
      await first.becomes("MASTER");
      await lab.serves();
    }));
});

describe("a reload", { skip }, () => {
  test("leaves an unchanged virtual router alone, and adds and removes others", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      const before = [(await first.instance()).transitions, (await second.instance()).transitions];
      const both = haConfig(150)
        .replace("floating: [ {", `floating: [ { address: ${SECOND_VIP}/24, interface: eth0 }, {`)
        .replace("    - {", `    - { id: 52, interface: eth0, floating: [ ${SECOND_VIP} ] }\n    - {`);
      first.rewrite(both);
      assert.deepEqual((await first.client.reload()).changes, ["ha: changed", "ha: vrrp VI_52: added"]);
      await lab.holds(lab.a, SECOND_VIP);
      first.rewrite(haConfig(150));
      assert.deepEqual((await first.client.reload()).changes, ["ha: changed", "ha: vrrp VI_52: removed"]);
      await lab.hasNot(lab.a, SECOND_VIP);
      assert.equal(lab.net.has(lab.a, VIP), true);
      assert.deepEqual([(await first.instance()).transitions, (await second.instance()).transitions], before);
    }));

  test("changes a master without a failover: hooks are not called, a new address comes, an old one goes", () =>
    HaLab.with(async (lab) => {
      const said = join(lab.net.folder, "said");
      const hook = join(lab.net.folder, "hook.sh");
      writeFileSync(hook, `#!/bin/sh\necho "$@" >> ${said}\n`);
      chmodSync(hook, 0o755);
      const notify = `notify: { any: ${hook} }`;
      const { first, second } = await lab.pair(haConfig(150, notify));
      await waitFor("the hooks", () => textOf(said).includes("INSTANCE VI_51 MASTER 150"));
      const transitions = (await second.instance()).transitions;
      const changed = haConfig(140, notify).replaceAll(`[ ${VIP} ]`, `[ ${SECOND_VIP} ]`);
      first.rewrite(changed.replace(`address: ${VIP}/24`, `address: ${SECOND_VIP}/24`));
      assert.deepEqual((await first.client.reload()).changes, ["ha: changed", "ha: vrrp VI_51: changed"]);
      await lab.holds(lab.a, SECOND_VIP);
      await lab.hasNot(lab.a);
      const { state, priority, reason } = await first.instance();
      assert.deepEqual([state, priority, reason], ["MASTER", 140, "its configuration has changed"]);
      assert.equal((await second.instance()).transitions, transitions);
      assert.equal(textOf(said).trim().split("\n").at(-1), "INSTANCE VI_51 MASTER 150");
    }));

  test("takes high availability away and brings it back", () =>
    HaLab.with(async (lab) => {
      const { first, second } = await lab.pair();
      const guardian = await first.guardianPid();
      first.rewrite(haConfig(150).split("\nha:")[0]);
      assert.deepEqual((await first.client.reload()).changes, ["ha: removed"]);
      await second.becomes("MASTER");
      assert.equal(lab.net.has(lab.a, VIP), false);
      assert.deepEqual(await first.client.haStatus(), { isConfigured: false, instances: [] });
      await waitFor("the guardian ends", () => !isRunning(guardian));
      first.rewrite(haConfig(150));
      await first.client.reload();
      await first.becomes("MASTER");
    }));
});

describe("a director", { skip }, () => {
  test("goes on advertising on time while its control plane is busy", () =>
    HaLab.with(async (lab) => {
      const fast = "dead-adverts: 3";
      const quick = (priority: number): string => haConfig(priority, fast).replace("100ms", "40ms");
      const { first, second } = await lab.pair(quick(150), quick(100));
      const before = (await second.instance()).transitions;
      const busy = Array.from({ length: 4000 }, (_, i) => ({
        operation: "addRealserver" as const,
        id: { protocol: "tcp" as const, address: VIP, port: 80 },
        server: { ...REALSERVER, address: `10.80.${i >> 8}.${i & 255}`, port: 80 },
      }));
      await first.client.applyAtomically(busy);
      await first.client.clear();
      const { state, counters } = await first.instance();
      assert.deepEqual([state, counters["stalled"]], ["MASTER", 0]);
      assert.equal((await second.instance()).transitions, before);
    }));

  test("takes over although a hook of it hangs, and ends although one does", () =>
    HaLab.with(async (lab) => {
      const said = join(lab.net.folder, "said");
      const hook = join(lab.net.folder, "hook.sh");
      writeFileSync(hook, `#!/bin/sh\necho "$3" >> ${said}\n[ "$3" = BACKUP ] && exec sleep 1000\n`);
      chmodSync(hook, 0o755);
      const { first, second } = await lab.pair(haConfig(150), haConfig(100, `notify: { any: ${hook} }`));
      await waitFor("the hook hangs", () => textOf(said) === "BACKUP\n");
      await first.kill();
      await second.becomes("MASTER");
      await lab.holds(lab.b);
      await second.stop();
      assert.equal(lab.net.has(lab.b, VIP), false);
      assert.match(second.log, /director stopped/);
      assert.equal(textOf(said), "BACKUP\n");
    }));

  test("needs the capability to open raw sockets, and says so where it has it not", () =>
    HaLab.with(async (lab) => {
      const file = join(lab.net.folder, "poor.yaml");
      writeFileSync(file, haConfig(150));
      const child = lab.net.spawn(lab.a, "setpriv", [
        ...["--bounding-set=-net_raw", "--inh-caps=-net_raw", process.execPath],
        ...[UVSD, "-c", file, "--socket", join(lab.net.folder, "poor.sock")],
      ]);
      const poor = new Foreign(child);
      await waitFor("it ends", () => child.exitCode !== null);
      assert.notEqual(child.exitCode, 0);
      await waitFor("it says why", () => /CAP_NET_RAW/.test(poor.log));
    }));

  test("is a peer of keepalived: either takes over from the other", { skip: keepalivedMissing() }, () =>
    HaLab.with(async (lab) => {
      const ours = await lab.start(lab.a, haConfig(100));
      const theirs = lab.net.startKeepalived(lab.b, KEEPALIVED);
      await lab.holds(lab.b);
      await ours.becomes("BACKUP");
      await lab.hasNot(lab.a);
      assert.equal((await ours.instance()).master?.source, lab.b.address);
      await theirs.stop();
      await ours.becomes("MASTER");
      await lab.serves();
      lab.net.startKeepalived(lab.b, KEEPALIVED);
      await ours.becomes("BACKUP");
      await lab.holds(lab.b);
      await lab.hasNot(lab.a);
      await ours.client.haTakeover({});
      await ours.becomes("MASTER");
      await lab.serves();
      await ours.kill();
      await lab.hasNot(lab.a);
      await lab.holds(lab.b);
    }),
  );
});

/** A keepalived of priority 150, as the peer of `haConfig`. */
const KEEPALIVED = `
global_defs { router_id b }
vrrp_instance VI_51 {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id 51
  priority 150
  advert_int 0.1
  virtual_ipaddress { ${VIP}/24 }
}
`;

function keepalivedMissing(): string | undefined {
  try {
    execFileSync("keepalived", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "keepalived is not installed";
  }
}
