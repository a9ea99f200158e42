/** `--ports`, which is uvsadm's own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runIpvsadm } from "../../../../src/control/ipvsadm/run.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";
import { IpvsKernelTwin } from "../../../helpers/ipvs-kernel-twin.js";

const run = (line: string, twin: IpvsKernelTwin, stdin = "") =>
  runIpvsadm(line.split(" "), stdin, twin, GOLDEN_NAMES);

async function portsOf(twin: IpvsKernelTwin): Promise<(number | undefined)[]> {
  const [{ settings }] = await twin.services();
  return settings.listenOn?.map(({ port }) => port) ?? [];
}

describe("uvsadm --ports", () => {
  test("names the ports of a service of all ports, and -S and -R keep them", async () => {
    const twin = new IpvsKernelTwin();
    const added = await run("-A -t 10.77.0.100:0 -s rr -p 300 --ports 21,1024-1026", twin);
    assert.deepEqual(added, { exit: 0, stdout: "", stderr: "" });
    assert.deepEqual(await portsOf(twin), [21, 1024, 1025, 1026]);
    const { stdout } = await run("-S -n", twin);
    assert.equal(stdout, "-A -t 10.77.0.100:0 -s rr -p 300 --ports 21,1024-1026\n");
    const restored = new IpvsKernelTwin();
    await run("-R", restored, stdout);
    assert.deepEqual(await portsOf(restored), [21, 1024, 1025, 1026]);
  });

  test("stay as they are when -E does not name them, and change when it does", async () => {
    const twin = new IpvsKernelTwin();
    await run("-A -t 10.77.0.100:0 -s rr -p 300 --ports 21", twin);
    await run("-E -t 10.77.0.100:0 -s wlc -p 60", twin);
    assert.deepEqual(await portsOf(twin), [21]);
    await run("-E -t 10.77.0.100:0 -s wlc -p 60 --ports 22", twin);
    assert.deepEqual(await portsOf(twin), [22]);
    const edits = "-E -t 10.77.0.100:0 -p 60 --ports 23\n-E -t 10.77.0.100:0 -s rr -p 60\n";
    await run("-R --atomic", twin, edits);
    assert.deepEqual(await portsOf(twin), [23]);
  });

  for (const [line, stderr] of [
    ["-A -t 10.77.0.100:80 -p 300 --ports 21", "--ports is only for TCP and UDP services of all ports\n"],
    ["-A -u 10.77.0.100:53 -p 300 --ports 21", "--ports is only for TCP and UDP services of all ports\n"],
    ["-A -f 8 -p 300 --ports 21", "--ports is only for TCP and UDP services of all ports\n"],
    ["-A -t 10.77.0.100:0 -p 300 --ports 21,x", "illegal ports specified\n"],
    ["-L --ports 21", "Illegal 'ports' option with the 'list' command\n"],
  ]) {
    test(`is refused: ${line}`, async () => {
      const result = await run(line, new IpvsKernelTwin());
      assert.equal(result.exit, 2);
      assert.equal(result.stderr, stderr);
    });
  }
});
