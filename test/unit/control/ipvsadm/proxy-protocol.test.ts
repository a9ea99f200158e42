/** `--proxy-protocol`, which is uvsadm's own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runIpvsadm } from "../../../../src/control/ipvsadm/run.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";
import { IpvsKernelTwin } from "../../../helpers/ipvs-kernel-twin.js";

const SERVICE = "-t 10.77.0.100:80";
const SERVER = `${SERVICE} -r 10.77.0.11:80 -m`;
const run = (line: string, twin: IpvsKernelTwin, stdin = "") =>
  runIpvsadm(line.split(" "), stdin, twin, GOLDEN_NAMES);

async function started(): Promise<IpvsKernelTwin> {
  const twin = new IpvsKernelTwin();
  await run(`-A ${SERVICE} -s rr`, twin);
  return twin;
}

async function versionOf(twin: IpvsKernelTwin): Promise<number | undefined> {
  const [{ realservers }] = await twin.services();
  return realservers[0].proxyProtocol?.version;
}

describe("uvsadm --proxy-protocol", () => {
  test("says with -a which header a realserver is sent", async () => {
    for (const [word, version] of [
      ["v1", 1],
      ["v2", 2],
      ["none", undefined],
    ]) {
      const twin = await started();
      const added = await run(`-a ${SERVER} --proxy-protocol ${word}`, twin);
      assert.deepEqual(added, { exit: 0, stdout: "", stderr: "" });
      assert.equal(await versionOf(twin), version);
    }
  });

  test("stays as it is when -e does not name it, and changes when it does", async () => {
    const twin = await started();
    await run(`-a ${SERVER} --proxy-protocol v2`, twin);
    await run(`-e ${SERVER} -w 7`, twin);
    assert.equal(await versionOf(twin), 2);
    await run(`-e ${SERVER} --proxy-protocol v1`, twin);
    assert.equal(await versionOf(twin), 1);
    await run(`-e ${SERVER} --proxy-protocol none`, twin);
    assert.equal(await versionOf(twin), undefined);
  });

  test("stays as it is within an atomic restore too", async () => {
    const twin = new IpvsKernelTwin();
    const lines = [`-A ${SERVICE}`, `-a ${SERVER} --proxy-protocol v2`, `-e ${SERVER} -w 3`];
    const restored = await run("-R --atomic", twin, lines.join("\n"));
    assert.equal(restored.exit, 0);
    assert.equal(await versionOf(twin), 2);
  });

  test("is not written by -S, whose lines ipvsadm reads", async () => {
    const twin = await started();
    await run(`-a ${SERVER} --proxy-protocol v2`, twin);
    const { stdout } = await run("-S -n", twin);
    assert.equal(stdout, `-A ${SERVICE} -s rr\n-a ${SERVER} -w 1\n`);
  });

  for (const [line, stderr] of [
    [`-a ${SERVER} --proxy-protocol v3`, "illegal proxy-protocol specified: v1, v2 or none\n"],
    [`-A ${SERVICE} --proxy-protocol v1`, "Illegal 'proxy-protocol' option with the 'add-service' command\n"],
    [
      `-d ${SERVICE} -r 10.77.0.11:80 --proxy-protocol v1`,
      "Illegal 'proxy-protocol' option with the 'delete-server' command\n",
    ],
  ]) {
    test(`is refused: ${line}`, async () => {
      const result = await run(line, await started());
      assert.equal(result.exit, 2);
      assert.equal(result.stderr, stderr);
    });
  }
});
