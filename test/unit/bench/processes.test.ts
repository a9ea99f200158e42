import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { processTree, readProcess } from "../../../bench/measure/proc.js";
import { hasEnded, Processes } from "../../../bench/system/processes.js";

function processes(context: TestContext): Processes {
  const directory = mkdtempSync(join(tmpdir(), "uvs-bench-test-"));
  const started = new Processes(directory);
  context.after(async () => {
    await started.stopAll();
    rmSync(directory, { recursive: true, force: true });
  });
  return started;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "the condition did not come true within 10 s");
    await delay(5);
  }
}

test("stopping a process ends its children as well", async (context) => {
  const idle = "setInterval(() => {}, 1e6)";
  const parent = `require("node:child_process").spawn(process.execPath, ["-e", "${idle}"]); ${idle}`;
  const running = processes(context).start("load", [process.execPath, "-e", parent]);
  await until(() => processTree(running.pid).length === 2);
  const pids = processTree(running.pid).map(({ pid }) => pid);
  await running.stop();
  await until(() => pids.every((pid) => readProcess(pid) === undefined));
});

test("what a process writes to either output is kept for messages", async (context) => {
  const running = processes(context).start("load", [
    process.execPath,
    "-e",
    "console.log('one'); console.error('two')",
  ]);
  await until(() => hasEnded(running.child));
  assert.equal(running.output(), "one; two");
});
