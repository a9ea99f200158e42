/**
 * Every recording of ipvsadm's command line, replayed word for word: exit status, stdout, stderr. The same is asked of a
 * running director elsewhere; here an in-memory twin stands in for the kernel, so that what fails is the command line, or
 * the control socket between the two.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ControlClient } from "../../src/control/client.js";
import { runIpvsadm } from "../../src/control/ipvsadm/run.js";
import type { Operations } from "../../src/control/operations.js";
import { serveControl } from "../helpers/control-fixture.js";
import { GOLDEN_NAMES } from "../helpers/golden-names.js";
import { IpvsKernelTwin } from "../helpers/ipvs-kernel-twin.js";
import { type IpvsadmStep, type RecordedStep, readRecording, recordingNames } from "../helpers/recordings.js";

/** The order of services with --nosort is that of the kernel's hash table, which its README calls random. */
function withoutServiceOrder(listing: string): string[] {
  const [title, ...services] = listing.split(/^(?=[A-Z]{3,4} +)/m);
  return [title, ...services.sort()];
}

async function replay(step: IpvsadmStep, twin: Operations): Promise<void> {
  const result = await runIpvsadm(step.ipvsadm, step.stdin ?? "", twin, GOLDEN_NAMES);
  const expected = { exit: step.exit, stdout: step.stdout, stderr: step.stderr };
  const name = `ipvsadm ${step.ipvsadm.join(" ")} (at ${step.at})`;
  if (step.ipvsadm.includes("--nosort")) {
    assert.deepEqual(
      { ...result, stdout: withoutServiceOrder(result.stdout) },
      { ...expected, stdout: withoutServiceOrder(expected.stdout) },
      name,
    );
  } else {
    assert.deepEqual(result, expected, name);
  }
}

async function replayAll(steps: readonly RecordedStep[], operations: Operations): Promise<void> {
  const invocations = steps.filter((step) => "ipvsadm" in step);
  assert.ok(invocations.length > 0);
  for (const step of invocations) await replay(step, operations);
}

for (const name of recordingNames().filter((file) => file.startsWith("cli-"))) {
  const { about, steps } = readRecording(name);
  test(`uvsadm answers as ipvsadm did: ${name}, ${about}`, () => replayAll(steps, new IpvsKernelTwin()));

  test(`and so it does over a control socket: ${name}`, async (t) => {
    const { path } = await serveControl(t, new IpvsKernelTwin());
    const client = new ControlClient(path);
    t.after(() => client.close());
    await replayAll(steps, client);
  });
}
