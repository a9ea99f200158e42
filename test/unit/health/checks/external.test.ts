import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CheckResult } from "../../../../src/health/checker.js";
import { type ExternalOptions, externalCheck } from "../../../../src/health/checks/external.js";
import { Programs } from "../../../../src/health/program.js";
import { systemTimers } from "../../../../src/health/timers.js";
import { type ProbeSettings, runProbe, told } from "../../../helpers/check-probe.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";
import { waitFor } from "../../../helpers/wait-for.js";

const programs = new Programs(systemTimers);
const REALSERVER = { address: "10.0.0.1", port: 8080 };

/** Runs a script with this text as a check. */
function check(
  script: string,
  options: Partial<ExternalOptions> = {},
  settings: ProbeSettings = {},
): Promise<CheckResult> {
  return withTemporaryFolder((folder) => {
    const path = join(folder, "check");
    writeFileSync(path, script, { mode: 0o755 });
    return runProbe(externalCheck({ path, ...options }, { programs }), REALSERVER, settings);
  });
}

const sh = (...lines: readonly string[]): string => `#!/bin/sh\n${lines.join("\n")}\n`;

test("exit status 0 passes, anything else fails, with the first line as reason", async () => {
  assert.equal(told(await check(sh("exit 0"))), "passed PROCOK: exit status 0");
  assert.equal(
    told(await check(sh("echo 'disk\u001b[31m full' >&2", "exit 3"))),
    'failed PROCERR: exit status 3: "disk\\x1b[31m full"',
  );
  const both = await check(sh("echo a warning >&2", "echo the summary", "exit 1"));
  assert.equal(both.output, "the summary\na warning\n");
});

test("keepalived's dynamic weights: the weights of a realserver of weight 5 (worked trace 12)", async () => {
  const options = { style: "keepalived", dynamicWeight: true } as const;
  const found: unknown[] = [];
  for (const status of [0, 12, 2, 255, 1]) {
    const { outcome, weight } = await check(sh(`exit ${status}`), options, { weight: 5 });
    found.push([outcome, weight]);
  }
  assert.deepEqual(found, [
    ["passed", { delta: 0 }],
    ["passed", { absolute: 10 }],
    ["passed", { absolute: 0 }],
    ["passed", { absolute: 253 }],
    ["failed", { delta: 0 }],
  ]);
  assert.equal((await check(sh("exit 2"), { style: "keepalived" })).outcome, "failed");
});

test("mon's monitors get the host after their arguments, and their first line is the summary", async () => {
  const script = sh('echo "$* in $MON_GROUP"', "echo detail", "exit 1");
  const result = await check(script, { style: "mon", args: ["-p", "80"], host: "web1" });
  assert.equal(result.reason, 'exit status 1: "-p 80 web1 in tcp://192.0.2.1:80"');
  assert.equal(result.output, "-p 80 web1 in tcp://192.0.2.1:80\ndetail\n");
  assert.match((await check(sh("echo $*; exit 1"), { style: "mon" })).reason, /"10.0.0.1"$/);
  assert.equal((await check(sh("exit 1"), { style: "mon" })).reason, "exit status 1: (NO SUMMARY)");
});

test("ldirectord's programs get virtual service and realserver, IPv6 in brackets, a mark with port 0", async () => {
  const script = sh('echo "$*"');
  const ask = async (settings: ProbeSettings): Promise<string> =>
    (await check(script, { style: "ldirectord" }, settings)).output!.trim();
  assert.equal(await ask({}), "192.0.2.1 80 10.0.0.1 8080");
  assert.equal(
    await ask({
      service: { protocol: "tcp", address: "2001:db8::1", port: 443 },
      realserver: { address: "fd00::1", port: 8443 },
    }),
    "[2001:db8::1] 443 [fd00::1] 8443",
  );
  assert.equal(await ask({ service: { fwmark: 7, family: 4 } }), "7 0 10.0.0.1 8080");
});

test("ldirectord's external-perl is run by perl, executable or not", () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, "check.pl");
    writeFileSync(path, 'print "@ARGV\\n"; exit($ARGV[3] == 8080 ? 0 : 1);\n', { mode: 0o644 });
    const perl = externalCheck({ path, style: "ldirectord-perl" }, { programs });
    const result = await runProbe(perl, REALSERVER);
    assert.equal(told(result), 'passed PROCOK: exit status 0: "192.0.2.1 80 10.0.0.1 8080"');
    const missing = externalCheck({ path: join(folder, "none"), style: "ldirectord-perl" }, { programs });
    assert.match(told(await runProbe(missing, REALSERVER)), /^failed PROCERR: .*none: no such program/);
  }));

test("every program finds the realserver in its environment, and nothing of the director's", async () => {
  process.env["UVS_TEST_SECRET"] = "x";
  try {
    const { output = "" } = await check(sh("env | sort"), { env: { GREETING: "hi" } }, { weight: 3 });
    for (const line of [
      "GREETING=hi",
      "UVS_REALSERVER=10.0.0.1:8080",
      "UVS_REALSERVER_ADDRESS=10.0.0.1",
      "UVS_REALSERVER_PORT=8080",
      "UVS_SERVICE=tcp://192.0.2.1:80",
      "UVS_WEIGHT=3",
      "UVS_TARGET_ADDRESS=10.0.0.1",
      "UVS_TIMEOUT_MS=5000",
    ]) {
      assert.ok(output.split("\n").includes(line), `${line} in ${output}`);
    }
    assert.doesNotMatch(output, /UVS_TEST_SECRET/);
  } finally {
    delete process.env["UVS_TEST_SECRET"];
  }
});

test("a program that hangs is killed with its children at the time-out", () =>
  withTemporaryFolder(async (folder) => {
    const pidFile = join(folder, "pid");
    const script = sh(
      "sleep 600 &",
      `echo $! > ${pidFile}.new`,
      `mv ${pidFile}.new ${pidFile}`,
      "echo waiting",
      "wait",
    );
    const result = await check(script, {}, { timeoutMs: 1000 });
    assert.equal(told(result), 'failed PROCTOUT: timed out after 1000 ms, killed: "waiting"');
    assert.ok(existsSync(pidFile), "the script had come as far as its child");
    const pid = Number(readFileSync(pidFile, "utf8"));
    await waitFor("the child is gone", () => !isRunning(pid));
  }));

/** Whether a process runs; one that nobody has waited for yet has ended. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("a program that prints megabytes is cut off", async () => {
  const { outcome, output = "" } = await check(sh("head -c 3000000 /dev/zero | tr '\\0' x"));
  assert.equal(outcome, "passed");
  assert.equal(output.length, 4096);
});

test("missing, not executable, and killed programs fail with that reason", async () => {
  const missing = externalCheck({ path: "/no/such/program" }, { programs });
  assert.match(
    told(await runProbe(missing, REALSERVER)),
    /^failed PROCERR: \/no\/such\/program: no such program/,
  );
  const folder = externalCheck({ path: "/tmp" }, { programs });
  assert.match(told(await runProbe(folder, REALSERVER)), /^failed PROCERR: \/tmp: not a file/);
  assert.match(told(await check(sh("kill -SEGV $$"))), /^failed PROCERR: killed by SIGSEGV/);
  await withTemporaryFolder(async (temporary) => {
    const path = join(temporary, "check");
    writeFileSync(path, sh("exit 0"), { mode: 0o644 });
    const result = await runProbe(externalCheck({ path }, { programs }), REALSERVER);
    assert.match(told(result), /^failed PROCERR: .*: not executable/);
  });
});

test("arguments reach no shell", async () => {
  const { output } = await check(sh('echo "$1"'), { args: ["$(id); `id` > /tmp/x"] });
  assert.equal(output, "$(id); `id` > /tmp/x\n");
});

test("options that do not fit are refused", () => {
  const refuses = (options: ExternalOptions, message: RegExp): void =>
    assert.throws(() => externalCheck(options, { programs }), message);
  refuses({ path: "check.sh" }, /path: found "check.sh", accepted is an absolute path/);
  refuses(
    { path: "/x", style: "nagios" as "mon" },
    /style: found "nagios", accepted is plain, keepalived, mon/,
  );
  refuses({ path: "/x", dynamicWeight: true }, /dynamicWeight: .*only with style keepalived/);
  refuses({ path: "/x", host: "web1" }, /host: .*only with style mon/);
  refuses({ path: "/x", style: "mon", host: "-x" }, /host: found "-x"/);
  refuses({ path: "/x", args: ["a\0b"] }, /args\[0\]: found/);
  refuses({ path: "/x", env: { "A=B": "x" } }, /env: found "A=B"/);
});
