import assert from "node:assert/strict";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SystemTimers } from "../../../../src/ha/timers.js";
import { ScriptCheck, type ScriptCheckSettings } from "../../../../src/ha/tracking/script-check.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";
import { textOf } from "../../../helpers/vrrp-lab.js";
import { waitFor } from "../../../helpers/wait-for.js";

interface Bench {
  readonly states: string[];
  /** Whether the script is to succeed. */
  setGood(isGood: boolean): void;
  runs(): number;
}

/** Runs a check of a script that succeeds as long as a file is there. */
function withCheck(
  settings: Partial<ScriptCheckSettings>,
  isGood: boolean,
  use: (bench: Bench) => Promise<void>,
) {
  return withTemporaryFolder(async (folder) => {
    const path = join(folder, "check");
    const good = join(folder, "good");
    writeFileSync(path, `#!/bin/sh\necho >> ${folder}/runs\n[ -e ${good} ]\n`);
    chmodSync(path, 0o755);
    const setGood = (value: boolean): void => (value ? writeFileSync(good, "") : rmSync(good));
    if (isGood) setGood(true);
    const states: string[] = [];
    const check = new ScriptCheck(
      { name: "chk", command: { path, args: [] }, intervalMs: 20, timeoutMs: 5000, ...settings },
      new SystemTimers(),
      (state) => states.push(state),
    );
    check.start();
    try {
      await use({ states, setGood, runs: () => textOf(join(folder, "runs")).length });
    } finally {
      check.stop();
    }
  });
}

test("the first success counts at once, whatever rise says", () =>
  withCheck({ rise: 100 }, true, async ({ states }) => {
    await waitFor("a state", () => states.length > 0);
    assert.deepEqual(states, ["up"]);
  }));

test("the first failure counts at once, whatever fall says", () =>
  withCheck({ fall: 100 }, false, async ({ states }) => {
    await waitFor("a state", () => states.length > 0);
    assert.deepEqual(states, ["down"]);
  }));

test("afterwards so many failures in a row are needed", () =>
  withCheck({ fall: 3 }, true, async ({ states, setGood, runs }) => {
    await waitFor("up", () => states.length === 1);
    const before = runs();
    setGood(false);
    await waitFor("down", () => states.length === 2);
    assert.deepEqual(states, ["up", "down"]);
    assert.ok(runs() - before >= 3);
  }));

test("a script that hangs has failed", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "check");
    writeFileSync(path, "#!/bin/sh\nexec sleep 1000\n");
    chmodSync(path, 0o755);
    const states: string[] = [];
    const check = new ScriptCheck(
      { name: "chk", command: { path, args: [] }, intervalMs: 100 },
      new SystemTimers(),
      (state, reason) => states.push(`${state}: ${reason}`),
    );
    check.start();
    await waitFor("a state", () => states.length > 0);
    check.stop();
    assert.deepEqual(states, ["down: timed out after 100 ms"]);
  }));
