/**
 * Resources that real directors run with the address: an init script and an OCF agent, started again when they fail, moved
 * to the other director when they fail again and again.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { labMissing, textOf } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const AGENT = "/usr/lib/ocf/resource.d/heartbeat/Dummy";
const skip = labMissing() ?? (existsSync(AGENT) ? false : "resource-agents is not installed");

/** Runs as long as its file is there; does not start where `FOLDER/broken` is. */
const INIT_SCRIPT = (folder: string): string => `#!/bin/sh
run=${folder}/$1/script
case $2 in
status) [ -e $run ] && exit 0; exit 3;;
start) [ -e ${folder}/$1/broken ] && exit 1; touch $run;;
stop) rm -f $run;;
esac
echo "$1 $2 $(ip -o addr show dev eth0 | grep -c ${VIP}/)" >> ${folder}/said
`;

test("resources of a group", { skip }, (t) =>
  HeartbeatDirectors.with({}, async (all) => {
    const { lab } = all;
    const { folder } = lab.net;
    const script = join(folder, "service.sh");
    writeFileSync(script, INIT_SCRIPT(folder), { mode: 0o755 });
    const group = (node: string) => ({
      name: "web",
      preferred: "a",
      resources: [
        { lsb: script, args: [node], monitor: "100ms" },
        { ocf: "heartbeat:Dummy", parameters: { state: join(folder, node, "agent") }, monitor: "100ms" },
      ],
      recovery: { restarts: 1, retry: "0s" },
    });
    for (const node of ["b", "a"]) {
      mkdirSync(join(folder, node));
      const director = all.of(node);
      director.rewrite(all.config(node, { groups: [group(node)] }));
      await director.client.reload();
    }
    const runs = (node: string, what: "script" | "agent"): boolean => existsSync(join(folder, node, what));
    const resources = async (node: string) => (await all.of(node).instance("web")).resources;
    const started = (node: string): Promise<void> =>
      waitFor(`all run on ${node}`, async () => (await resources(node)) === "started");
    const said = (): string[] => textOf(join(folder, "said")).trim().split("\n");

    await t.test("are started from left to right once the address is there", async () => {
      await all.heldBy("a");
      await started("a");
      assert.ok(runs("a", "script") && runs("a", "agent"));
      assert.ok(!runs("b", "script") && !runs("b", "agent"));
      assert.equal(said().at(-1), "a start 1");
      await all.neverHeldTwice();
    });

    await t.test("are started again when they do not run any more", async () => {
      rmSync(join(folder, "a", "agent"));
      await waitFor("it runs again", () => runs("a", "agent"));
      await started("a");
      assert.match(all.of("a").log, /ocf heartbeat:Dummy Dummy does not run any more.*restart 1 of 1/);
      await all.heldBy("a");
    });

    await t.test(
      "go to the other director when they fail once more, and address and order go with them",
      async () => {
        rmSync(join(folder, "a", "agent"));
        await all.heldBy("b");
        await started("b");
        assert.ok(runs("b", "script") && runs("b", "agent"));
        assert.ok(!runs("a", "script"), "what was left of the group is stopped");
        assert.deepEqual(said().slice(-2), ["a stop 1", "b start 1"], "stopped before the address went");
        const { state, faults } = await all.of("a").instance("web");
        assert.equal(state, "FAULT");
        assert.match(faults.join(), /Dummy does not run any more/);
        await lab.serves();
      },
    );

    await t.test("stay away from who failed, until the operator says that it is mended", async () => {
      writeFileSync(join(folder, "a", "broken"), "");
      await all.of("a").client.haClear({});
      await all.sees("b", "it was tried and given back", ({ nodes }) => nodes[0].holds.length === 0);
      await waitFor("a has given up", async () => /did not start/.test(all.of("a").log), 15_000);
      await all.heldBy("b");
      await started("b");
      rmSync(join(folder, "a", "broken"));
      await all.of("a").client.haClear({});
      await all.heldBy("a");
      await started("a");
      assert.ok(!runs("b", "script") && !runs("b", "agent"));
      await lab.serves();
      await all.neverHeldTwice();
    });
  }),
);
