import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CheckResult } from "../../../../src/health/checker.js";
import { type FileOptions, fileCheck } from "../../../../src/health/checks/file.js";
import { runProbe } from "../../../helpers/check-probe.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

const REALSERVER = { address: "10.0.0.1", port: 80 };
const probe = (options: FileOptions): Promise<CheckResult> => runProbe(fileCheck(options), REALSERVER);

test("a file that is there drains, and lets go when it is gone", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "10.0.0.1:80");
    const options = { path: join(folder, "{address}:{port}") };
    assert.deepEqual(await probe(options), {
      outcome: "passed",
      code: "L7OK",
      reason: "file is not present",
      admin: "ready",
    });
    writeFileSync(path, "");
    assert.deepEqual(await probe(options), {
      outcome: "passed",
      code: "L7OKC",
      reason: "file is present: drain",
      admin: "drain",
    });
    assert.equal((await probe({ ...options, action: "maint" })).admin, "maint");
    const { outcome, admin, reason } = await probe({ ...options, action: "down" });
    assert.deepEqual([outcome, admin, reason], ["failed", undefined, "file is present"]);
    rmSync(path);
    assert.equal((await probe({ ...options, action: "down" })).outcome, "passed");
  }));

test("a flag may be a number other than zero", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "flag");
    const outcomeOf = async (): Promise<string> =>
      (await probe({ path, when: "nonzero", action: "down" })).outcome;
    assert.equal(await outcomeOf(), "passed");
    for (const [content, outcome] of Object.entries({
      "0\n": "passed",
      " 1 \n": "failed",
      "-2": "failed",
      "": "passed",
    })) {
      writeFileSync(path, content);
      assert.equal(await outcomeOf(), outcome, JSON.stringify(content));
    }
  }));

test("the number in the file, times the factor, changes the weight", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "weight");
    assert.deepEqual((await probe({ path, factor: 2 })).weight, { delta: 0 });
    writeFileSync(path, "-3\nignored");
    assert.deepEqual((await probe({ path, factor: 2 })).weight, { delta: -6 });
    assert.deepEqual((await probe({ path, factor: -1 })).weight, { delta: 3 });
    writeFileSync(path, "-2147483648");
    assert.equal((await probe({ path, factor: 1 })).outcome, "failed");
    writeFileSync(path, "many\u001b[m");
    const { outcome, reason } = await probe({ path, factor: 1 });
    assert.deepEqual([outcome, reason], ["failed", 'file holds no number: "many\\x1b[m"']);
  }));

test("a folder, and a pipe that nobody writes into, are present", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "folder");
    mkdirSync(path);
    assert.equal((await probe({ path })).admin, "drain");
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    assert.equal((await probe({ path: pipe })).admin, "drain");
  }));

test("options that do not go together are refused", () => {
  assert.throws(
    () => fileCheck({ path: "relative" }),
    /path: found "relative", accepted is an absolute path/,
  );
  assert.throws(
    () => fileCheck({ path: "/x", factor: 1, action: "down" }),
    /factor: found 1, .*without action and when/,
  );
  for (const factor of [0, 255, 1.5]) {
    assert.throws(
      () => fileCheck({ path: "/x", factor }),
      /factor: found .*, accepted is a whole number from -254/,
    );
  }
  assert.throws(
    () => fileCheck({ path: "/x", action: "stop" as "down" }),
    /action: found "stop", accepted is down/,
  );
});
