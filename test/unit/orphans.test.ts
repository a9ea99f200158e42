import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readProcess } from "../../bench/measure/proc.js";
import { waitFor } from "../helpers/wait-for.js";

const ORPHANS = fileURLToPath(new URL("../helpers/orphans.js", import.meta.url));

/** A process that starts one which would run for ever, prints its pid, and runs for ever itself. */
const PARENT = `
  import { spawn } from "node:child_process";
  import { endWithThisProcess } from ${JSON.stringify(ORPHANS)};
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  endWithThisProcess(child);
  console.log(child.pid);
  setInterval(() => {}, 1e6);
`;

test("what a test has started ends when the test is killed", async (t) => {
  const parent = spawn(process.execPath, ["--input-type=module", "-e", PARENT], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => parent.kill("SIGKILL"));
  const [pid] = (await once(parent.stdout, "data")).map((text: Buffer) => Number(text.toString()));
  const born = readProcess(pid)?.startTime;
  assert.ok(born !== undefined, "the child runs");
  parent.kill("SIGKILL");
  await waitFor("the child has ended", () => readProcess(pid)?.startTime !== born);
});
