import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type FenceResult, Fencer, type FenceSettings } from "../../../../src/ha/fencing/fencer.js";
import { SystemTimers } from "../../../../src/ha/timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";
import { waitFor } from "../../../helpers/wait-for.js";

interface Fixture {
  readonly folder: string;
  readonly logger: RecordingLogger;
  readonly results: FenceResult[];
  fencer(script: string, settings?: Partial<FenceSettings>): Fencer;
}

function withFencer(use: (fixture: Fixture) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    const results: FenceResult[] = [];
    const logger = new RecordingLogger();
    const fencers: Fencer[] = [];
    const fencer = (script: string, settings: Partial<FenceSettings> = {}): Fencer => {
      const path = join(folder, "fence");
      writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const command = { path, args: ["--socket", "7"] };
      const made = new Fencer(
        { a: { command, retryMs: 20, ...settings } },
        { timers: new SystemTimers(), logger, onResult: (result) => results.push(result) },
      );
      fencers.push(made);
      return made;
    };
    try {
      await use({ folder, logger, results, fencer });
    } finally {
      for (const made of fencers) made.stop();
    }
  });
}

describe("a fencer", () => {
  test("runs the command with action and node behind its arguments, and exit status 0 is success", () =>
    withFencer(async ({ folder, results, fencer }) => {
      fencer(`echo "$@ $UVS_FENCE_ACTION $UVS_FENCE_NODE" > ${folder}/said`, { action: "off" }).fence("a");
      await waitFor("a result", () => results.length > 0);
      assert.deepEqual([results[0].isDone, results[0].attempt], [true, 1]);
      assert.equal(readFileSync(`${folder}/said`, "utf8"), "--socket 7 off a off a\n");
    }));

  test("tries again until it succeeds, and says each failure loudly with what the command said", () =>
    withFencer(async ({ folder, results, logger, fencer }) => {
      fencer(`[ -e ${folder}/permit ] || { echo no answer; exit 1; }`).fence("a");
      await waitFor("two failures", () => results.length > 1);
      assert.equal(
        results.every(({ isDone }) => !isDone),
        true,
      );
      assert.match(results[0].reason, /exit status 1: no answer/);
      const errors = logger.records.filter(({ level }) => level === "error");
      assert.match(errors[0].message, /a COULD NOT BE FENCED, so nothing that it may hold is taken/);
      writeFileSync(`${folder}/permit`, "");
      await waitFor("success", () => results.some(({ isDone }) => isDone));
    }));

  test("ends a command that hangs, which is a failure", () =>
    withFencer(async ({ results, fencer }) => {
      fencer("exec sleep 60", { timeoutMs: 50 }).fence("a");
      await waitFor("a failure", () => results.length > 0);
      assert.match(results[0].reason, /timed out after 50 ms/);
    }));

  test("does not go on once the node is spared, not even with what is under way", () =>
    withFencer(async ({ folder, results, fencer }) => {
      const made = fencer(`touch ${folder}/begun; exec sleep 60`);
      made.fence("a");
      await waitFor("it has begun", () => existsSync(`${folder}/begun`));
      made.spare("a");
      made.fence("a");
      made.spare("a");
      assert.deepEqual(results, []);
    }));

  test("waits before the first attempt where that is configured", () =>
    withFencer(async ({ folder, fencer }) => {
      const made = fencer(`touch ${folder}/begun`, { delayMs: 3_600_000 });
      made.fence("a");
      made.spare("a");
      assert.equal(existsSync(`${folder}/begun`), false);
    }));

  test("a program that is not there is a failure, not a success", () =>
    withFencer(async ({ results, fencer }) => {
      fencer("", { command: { path: "/nonexistent/fence", args: [] } }).fence("a");
      await waitFor("a failure", () => results.length > 0);
      assert.match(results[0].reason, /no such program/);
    }));
});
