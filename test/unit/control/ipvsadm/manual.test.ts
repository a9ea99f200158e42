import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runIpvsadm } from "../../../../src/control/ipvsadm/run.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";
import { IpvsKernelTwin } from "../../../helpers/ipvs-kernel-twin.js";

// The compiled test lies in <build>/test/unit/control/ipvsadm.
const MANUAL = new URL("../../../../../docs/uvsadm.md", import.meta.url);

test("the set-ups of the manual run one after the other as they stand there", async () => {
  const blocks = readFileSync(MANUAL, "utf8").matchAll(/^```sh\n(.*?)^```/gms);
  const commands = [...blocks].flatMap(([, block]) => block.trim().split("\n"));
  assert.ok(commands.length >= 20);
  const twin = new IpvsKernelTwin();
  for (const command of commands) {
    const [program, ...argv] = command.split(" ");
    assert.equal(program, "uvsadm");
    const { exit, stderr } = await runIpvsadm(argv, "", twin, GOLDEN_NAMES);
    assert.deepEqual({ exit, stderr }, { exit: 0, stderr: "" }, command);
  }
  assert.equal((await twin.services()).length, 5);
});
