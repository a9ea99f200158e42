import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pingCheck } from "../../../../src/health/checks/ping.js";
import { Programs } from "../../../../src/health/program.js";
import { systemTimers } from "../../../../src/health/timers.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

const tools = { programs: new Programs(systemTimers) };

/** Probes with a `ping` that is this script. */
function probeWith(script: string, address: string, timeoutMs = 2500): Promise<string> {
  return withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "ping"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return told(await runProbe(pingCheck({}, tools, [folder]), { address, port: 0 }, { timeoutMs }));
  });
}

test("the system's ping is asked for one echo within the time-out", async () => {
  assert.match(
    await probeWith('echo "$*"; exit 2', "10.0.0.1"),
    /ping: exit status 2 "-4 -q -c 1 -W 3 10.0.0.1"$/,
  );
  assert.match(await probeWith('echo "$*"; exit 2', "fd00::1"), /"-6 -q -c 1 -W 3 fd00::1"$/);
});

test("a reply passes, none fails, and errors of ping are told", async () => {
  assert.equal(await probeWith("exit 0", "10.0.0.1"), "passed L4OK: echo reply");
  assert.equal(await probeWith("exit 1", "10.0.0.1"), "failed L4TOUT: no echo reply within 2500 ms");
  assert.equal(await probeWith("sleep 60", "10.0.0.1", 100), "failed L4TOUT: no echo reply within 100 ms");
  assert.match(
    await probeWith("echo 'socket: Operation not permitted' >&2; exit 2", "10.0.0.1"),
    /^failed PROCERR: .*exit status 2 "socket: Operation not permitted"$/,
  );
});

test("a name that would be an option is no address", async () => {
  assert.equal(await probeWith("exit 0", "-f"), 'failed SOCKERR: not an address: "-f"');
});

test("without ping on the host the check is refused", () =>
  withTemporaryFolder((folder) => {
    assert.throws(
      () => pingCheck({}, tools, [folder]),
      (error: Error & { code: string }) =>
        error.code === "UNSUPPORTED" && /package iputils-ping/.test(error.message),
    );
  }));
