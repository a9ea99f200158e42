import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ProgramCall, Programs } from "../../src/health/program.js";
import { systemTimers } from "../../src/health/timers.js";
import { waitFor } from "../helpers/wait-for.js";

describe("a program of an operator", () => {
  let folder: string;
  const programs = new Programs(systemTimers);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "uvs-test-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function script(name: string, body: string, mode = 0o755): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, body);
    await chmod(path, mode);
    return path;
  }

  async function run(name: string, body: string, more: Partial<ProgramCall> = {}) {
    const path = await script(name, `#!/bin/sh\n${body}\n`);
    return programs.run({ path, args: [], env: { PATH: "/usr/bin:/bin" }, timeoutMs: 10_000, ...more });
  }

  test("gets its arguments, environment and standard input as they are, without a shell between", async () => {
    const end = await run("echo", 'printf "%s|" "$@" "$X"; cat', {
      args: ["$HOME; ls", "a b"],
      env: { PATH: "/bin", X: "`id`" },
      stdin: "in",
    });
    assert.deepEqual([end.exitStatus, end.output], [0, "$HOME; ls|a b|`id`|in"]);
  });

  test("that does not read its standard input does no harm", async () => {
    assert.equal((await run("deaf", "exit 0", { stdin: "x".repeat(1 << 20) })).exitStatus, 0);
  });

  test("tells its exit status, or the signal that ended it", async () => {
    assert.deepEqual(pick(await run("three", "exit 3")), [3, "exit status 3"]);
    assert.deepEqual(pick(await run("segv", "kill -SEGV $$")), [undefined, "killed by SIGSEGV"]);
  });

  test("that prints megabytes is cut off, and ends in its own time", async () => {
    const end = await run("loud", "head -c 5000000 /dev/zero | tr '\\0' x");
    assert.deepEqual([end.exitStatus, end.output.length, end.isCut], [0, 4096, true]);
  });

  test("that hangs is killed at the time-out with its children, even where they ignore TERM", async () => {
    const pidFile = join(folder, "pids");
    const body = `trap "" TERM; sh -c 'trap "" TERM; echo $$ >>${pidFile}; while :; do sleep 1; done' & echo $$ >>${pidFile}; wait`;
    const end = await run("hangs", body, { timeoutMs: 300 });
    assert.deepEqual([end.timedOut, end.reason], [true, "timed out after 300 ms, killed"]);
    const pids = (await readFile(pidFile, "utf8")).trim().split("\n").map(Number);
    assert.equal(pids.length, 2);
    await waitFor("both are dead", () => pids.every(isDead));
  });

  test("that leaves a child with its output open is over when it exits", async () => {
    const pidFile = join(folder, "left");
    const end = await run("leaves", `sleep 1000 & echo $! >${pidFile}; exit 0`);
    process.kill(Number(await readFile(pidFile, "utf8")));
    assert.equal(end.exitStatus, 0);
  });

  test("ends when its signal says so", async () => {
    const controller = new AbortController();
    const running = run("long", "exec sleep 1000", { signal: controller.signal });
    await waitFor("it runs", () => programs.running === 1);
    controller.abort();
    assert.equal((await running).reason, "stopped, killed");
  });

  test("that is missing, not executable, or no program is a reason in words", async () => {
    const call = { args: [], env: {}, timeoutMs: 1000 };
    const reason = async (path: string) => (await programs.run({ path, ...call })).reason;
    assert.match(await reason("/nonexistent/x"), /no such program/);
    assert.match(await reason("relative"), /not an absolute path/);
    assert.match(await reason(folder), /not a file/);
    assert.match(await reason(await script("plain", "#!/bin/sh\n", 0o644)), /not executable/);
    assert.match(await reason(await script("orphan", "#!/nonexistent/sh\n")), /interpreter/);
    assert.match(await reason(await script("text", "hello\n")), /neither a program|exit status/);
  });

  test("that everybody may write is refused to root", {
    skip: process.getuid?.() !== 0 && "not root",
  }, async () => {
    const path = await script("open", "#!/bin/sh\n", 0o777);
    const end = await programs.run({ path, args: [], env: {}, timeoutMs: 1000 });
    assert.match(end.reason, /everybody may write it/);
  });

  test("waits while too many run, and is given up where its signal comes first", async () => {
    const one = new Programs(systemTimers, 1);
    const path = await script("sleeps", "#!/bin/sh\nexec sleep 1000\n");
    const quick = await script("quick", "#!/bin/sh\nexit 0\n");
    const first = new AbortController();
    const call = { args: [], env: { PATH: "/bin" }, timeoutMs: 60_000 };
    const sleeping = one.run({ path, ...call, signal: first.signal });
    const impatient = new AbortController();
    const given = one.run({ path: quick, ...call, signal: impatient.signal });
    const patient = one.run({ path: quick, ...call });
    impatient.abort();
    assert.match((await given).reason, /waited too long/);
    first.abort();
    await sleeping;
    assert.equal((await patient).exitStatus, 0);
    assert.equal(one.running, 0);
  });
});

function pick({ exitStatus, reason }: { exitStatus?: number; reason: string }) {
  return [exitStatus, reason];
}

function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
