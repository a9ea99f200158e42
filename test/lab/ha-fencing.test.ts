/** Real directors that share an address by VRRP, and fence each other: the fence command cuts the other host's power. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { HaLab, haConfig, type LabUvsd, VIP } from "../helpers/ha-lab.js";
import { labMissing, textOf } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
/** A busy machine must not look like a dead one. */
const PATIENT = "dead-adverts: 30";
const UVS = fileURLToPath(new URL("../../src/bin/uvs.js", import.meta.url));

/** Both directors; B fences A by taking its addresses off, as a power cut would, and writes down each run. */
async function pairWithFence(lab: HaLab, permit: string) {
  const { folder } = lab.net;
  const program = (name: string, lines: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    return path;
  };
  const off = `ip -n ${lab.a.namespace} addr flush dev eth0`;
  const guard = permit === "" ? "" : `[ -e ${permit} ] || { echo no answer; exit 1; }`;
  const command = program("fence", `echo "$@" >> ${folder}/fences\n${guard}\n${off}`);
  const hook = program("hook", `echo "$@" >> ${folder}/notices`);
  const fencing = `fencing: [ { node: lvs1, addresses: [ ${lab.a.address} ], command: ${command}, retry: 300ms } ]`;
  const { first, second } = await lab.pair(
    haConfig(150, PATIENT),
    haConfig(100, `${PATIENT}, notify: { any: ${hook} }`, fencing),
  );
  // Who is lost before anything was heard of it is nobody.
  await waitFor("the second one follows the first", async () => (await counter(second, "advert_rcvd")) > 0);
  const lines = (name: string): string[] => textOf(join(folder, name)).trim().split("\n").filter(Boolean);
  return { first, second, fences: () => lines("fences"), notices: () => lines("notices") };
}

const counter = async (director: LabUvsd, name: string): Promise<number> =>
  (await director.instance()).counters[name] ?? 0;

describe("a director that fences", { skip }, () => {
  test("a host that dies with the address on it: it is fenced once, and then replaced, and nobody has the address twice", () =>
    HaLab.with(async (lab) => {
      const { second, fences, notices } = await pairWithFence(lab, "");
      await lab.serves();
      lab.net.killAll(lab.a);
      await second.becomes("MASTER");
      await lab.heldBy(lab.b);
      await lab.serves();
      assert.deepEqual(fences(), ["reset lvs1"]);
      const { reason, counters } = await second.instance();
      assert.equal(reason, "the lost master is fenced");
      assert.deepEqual([counters["fenced"], counters["fence_failed"]], [1, 0]);
      assert.deepEqual(lab.watch.heldTwice, []);
      await waitFor("hooks have run", () => notices().length === 2);
      assert.deepEqual(notices(), ["INSTANCE VI_51 BACKUP 100", "INSTANCE VI_51 MASTER 100"]);
      assert.deepEqual(fences(), ["reset lvs1"]);
    }));

  test("a host that cannot be fenced keeps the address: nothing is taken, which is shown and said, until it is fenced", () =>
    HaLab.with(async (lab) => {
      const permit = join(lab.net.folder, "permit");
      const { second, notices } = await pairWithFence(lab, permit);
      lab.net.killAll(lab.a);
      await waitFor("three failures", async () => (await counter(second, "fence_failed")) >= 3);
      const { state, holdsAddresses, counters } = await second.instance();
      assert.deepEqual([state, holdsAddresses, counters["advert_sent"]], ["BACKUP", false, 0]);
      assert.deepEqual(lab.watch.holders(VIP), ["a"]);
      const shown = execFileSync(process.execPath, [
        ...[UVS, "--socket", join(lab.net.folder, "b.sock"), "ha", "status"],
      ]).toString();
      assert.match(
        shown,
        /WAITS: fencing lvs1, attempt \d+ \(the last one failed: exit status 1: no answer\)/,
      );
      assert.match(second.log, /lvs1 COULD NOT BE FENCED, so nothing that it may hold is taken/);
      writeFileSync(permit, "");
      await second.becomes("MASTER");
      await lab.heldBy(lab.b);
      await lab.serves();
      assert.deepEqual(lab.watch.heldTwice, []);
      await waitFor("hooks have run", () => notices().length === 3);
      assert.deepEqual(notices().slice(1), ["INSTANCE VI_51 FENCE_FAILED 100", "INSTANCE VI_51 MASTER 100"]);
    }));

  test("nobody is fenced who says goodbye, or whose guardian does", () =>
    HaLab.with(async (lab) => {
      const { first, second, fences } = await pairWithFence(lab, "");
      await first.stop();
      await second.becomes("MASTER");
      const again = await lab.start(lab.a, haConfig(150, PATIENT));
      await again.becomes("MASTER");
      await second.becomes("BACKUP");
      await again.kill();
      await second.becomes("MASTER");
      await lab.heldBy(lab.b);
      assert.deepEqual(fences(), []);
    }));

  test("a reload brings the fence command to a director that runs, and takes it away from one that waits", () =>
    HaLab.with(async (lab) => {
      const { second, fences } = await pairWithFence(lab, join(lab.net.folder, "never"));
      const before = (await second.instance()).since;
      const withFencing = textOf(second.configFile);
      const without = withFencing.replace(/^ *fencing:.*$/m, "");
      second.rewrite(without);
      await second.client.reload();
      second.rewrite(withFencing);
      await second.client.reload();
      assert.equal((await second.instance()).since, before);
      lab.net.killAll(lab.a);
      await waitFor("a failure", async () => (await counter(second, "fence_failed")) >= 1);
      assert.match((await second.instance()).waitsFor ?? "", /fencing lvs1/);
      second.rewrite(without);
      await second.client.reload();
      await second.becomes("MASTER");
      assert.ok(fences().length >= 1);
    }));
});
