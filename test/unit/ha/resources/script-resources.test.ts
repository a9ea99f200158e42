import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { type ScriptSettings, scriptResource } from "../../../../src/ha/resources/script-resources.js";
import { SystemTimers } from "../../../../src/ha/timers.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";
import { waitFor } from "../../../helpers/wait-for.js";

const timers = new SystemTimers();
const signal = new AbortController().signal;

/** Writes an executable shell script. */
function script(path: string, body: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A script that keeps its state in a file, and writes down how it was called. */
const stateful = (folder: string, action: string, stopped: number): string => `
echo "$*" >> ${folder}/said
case ${action} in
start) touch ${folder}/running;;
stop) rm -f ${folder}/running;;
*) [ -e ${folder}/running ] || exit ${stopped};;
esac`;

async function lifeOf(settings: ScriptSettings): Promise<(string | undefined)[]> {
  const resource = scriptResource(settings, timers);
  const before = await resource.monitor();
  const started = await resource.start(signal);
  const again = await resource.start(signal);
  const during = await resource.monitor();
  const stopped = await resource.stop();
  return [before, started, again, during, stopped, await resource.monitor()];
}

const LIFE = ["not running", undefined, undefined, undefined, undefined, "not running"];
const said = (folder: string): string[] => readFileSync(join(folder, "said"), "utf8").trim().split("\n");

test("an LSB script gets its arguments and then start, stop or status", () =>
  withTemporaryFolder(async (folder) => {
    const path = script(join(folder, "init"), stateful(folder, "$3", 3));
    assert.deepEqual(await lifeOf({ kind: "lsb", path, args: ["x", "y"] }), LIFE);
    const words = ["status", "status", "start", "status", "status", "stop", "status"];
    assert.deepEqual(
      said(folder),
      words.map((word) => `x y ${word}`),
    );
  }));

test("an OCF agent gets its parameters in the environment, and monitor instead of status", () =>
  withTemporaryFolder(async (folder) => {
    const agent = join(folder, "resource.d/test/Thing");
    script(agent, `${stateful(folder, "$1", 7)}\nenv | grep ^OCF_ | sort > ${folder}/environment`);
    const settings = { kind: "ocf", provider: "test", type: "Thing", root: folder } as const;
    const life = await lifeOf({ ...settings, instance: "one", parameters: { device: "/dev/x" } });
    assert.deepEqual(life, LIFE);
    assert.deepEqual(said(folder)[0], "monitor");
    // The last monitor has failed before it came to that; the stop wrote it.
    const environment = readFileSync(join(folder, "environment"), "utf8");
    for (const line of [
      "OCF_RESKEY_device=/dev/x",
      "OCF_RESOURCE_INSTANCE=one",
      "OCF_RESOURCE_PROVIDER=test",
      "OCF_RESOURCE_TYPE=Thing",
      `OCF_ROOT=${folder}`,
      "OCF_RA_VERSION_MAJOR=1",
    ]) {
      assert.ok(environment.split("\n").includes(line), line);
    }
  }));

test("a systemd unit is started, stopped and asked whether it is active", () =>
  withTemporaryFolder(async (folder) => {
    const systemctl = script(join(folder, "systemctl"), stateful(folder, "$1", 3));
    assert.deepEqual(await lifeOf({ kind: "systemd", unit: "x.service", systemctl }), LIFE);
    assert.deepEqual(said(folder).slice(1, 3), ["is-active --quiet x.service", "start x.service"]);
  }));

test("a failure says what its exit status means, and the last output", () =>
  withTemporaryFolder(async (folder) => {
    const path = script(join(folder, "init"), '[ "$1" = status ] && exit 3; echo "no config" >&2; exit 6');
    const failure = await scriptResource({ kind: "lsb", path }, timers).start(signal);
    assert.equal(failure, "program is not configured (exit status 6: no config)");
  }));

test("a missing script is told", async () => {
  const failure = await scriptResource({ kind: "lsb", path: "/does/not/exist" }, timers).start(signal);
  assert.match(failure ?? "", /no such program/);
});

test("a script that hangs is ended with all it has started, and counts as failed", () =>
  withTemporaryFolder(async (folder) => {
    const path = script(
      join(folder, "init"),
      `[ "$1" = status ] && exit 3\nsleep 1000 & echo $! > ${folder}/child; wait`,
    );
    const failure = await scriptResource({ kind: "lsb", path, startTimeoutMs: 300 }, timers).start(signal);
    assert.equal(failure, "timed out after 300 ms");
    const child = Number(readFileSync(join(folder, "child"), "utf8"));
    await waitFor("its child is ended as well", () => !isAlive(child));
  }));

test("a start that is not wanted any more is ended", () =>
  withTemporaryFolder(async (folder) => {
    const path = script(
      join(folder, "init"),
      `[ "$1" = status ] && exit 3\ntouch ${folder}/begun; exec sleep 1000`,
    );
    const attempt = new AbortController();
    const started = scriptResource({ kind: "lsb", path }, timers).start(attempt.signal);
    setTimeout(() => attempt.abort(), 100);
    assert.equal(await started, "stopped");
  }));

test("a script that leaves a service behind does not hang", () =>
  withTemporaryFolder(async (folder) => {
    const path = script(
      join(folder, "init"),
      `[ "$1" = status ] && exit 3\nsleep 1000 & echo $! > ${folder}/child`,
    );
    assert.equal(await scriptResource({ kind: "lsb", path }, timers).start(signal), undefined);
    const child = Number(readFileSync(join(folder, "child"), "utf8"));
    assert.ok(isAlive(child), "the service is left alone");
    process.kill(child, "SIGKILL");
  }));

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
