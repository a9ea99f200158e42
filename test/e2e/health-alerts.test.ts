import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { AlertEvent } from "../../src/health/alert-event.js";
import { Alerts } from "../../src/health/alerts.js";
import { HealthMonitor } from "../../src/health/monitor.js";
import { type AlertAction, checkTiming, DEFAULT_ALERT, serviceHealth } from "../../src/health/spec.js";
import { systemTimers } from "../../src/health/timers.js";
import { checkSpec, endpoint, RecordingSink, SERVICE } from "../helpers/health-fixture.js";
import { RecordingLogger } from "../helpers/recording-logger.js";
import { fails, passes, ScriptedChecker } from "../helpers/scripted-checker.js";
import { waitFor } from "../helpers/wait-for.js";

const EVENT: AlertEvent = {
  type: "down",
  service: SERVICE,
  realserver: endpoint(1),
  check: "http",
  oldState: "up",
  newState: "down",
  reason: "status 503",
  output: "10.0.0.1\ndetail\n",
  atMs: 1_700_000_000_500,
  firstFailureMs: 1_700_000_000_000,
  nextMs: 3_600_000,
};

describe("alerts", () => {
  let folder: string;
  let logger: RecordingLogger;
  let alerts: Alerts;
  let out: string;
  let counter = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "uvs-test-"));
  });
  beforeEach(() => {
    logger = new RecordingLogger();
    alerts = new Alerts({ timers: systemTimers, logger, perMinute: 5 });
    out = join(folder, `out${counter++}`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function program(body: string, args: string[] = []): Promise<AlertAction> {
    const path = join(folder, `alert${counter++}`);
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
    return { program: path, args, env: { OUT: out } };
  }

  const written = async (): Promise<string> => readFile(out, "utf8").catch(() => "");
  const idle = (): Promise<void> => waitFor("all calls are over", () => alerts.pending === 0);

  test("are programs called as mon calls them: arguments, environment, standard input", async () => {
    const action = await program(
      'printf "%s|" "$@" "$MON_ALERTTYPE" "$MON_OPSTATUS" "$MON_RETVAL" "$MON_FIRST_FAILURE" "$UVS_REALSERVER" "$UVS_REASON" >"$OUT"; cat >>"$OUT"',
      ["-P", "tcp"],
    );
    alerts.call([action], EVENT, 5000, "alert");
    await idle();
    assert.equal(
      await written(),
      "-s|http|-g|tcp://192.0.2.1:80|-h|10.0.0.1|-t|1700000000|-l|3600|-P|tcp|failure|0|1|1700000000|10.0.0.1:80|status 503|10.0.0.1\ndetail\n",
    );
    assert.deepEqual(alerts.counters, { called: 1, failed: 0, dropped: 0 });
  });

  test("say -u where it is up again, and hooks of the quorum get their own arguments only", async () => {
    const action = await program('echo "$@" $MON_ALERTTYPE $UVS_EVENT >>"$OUT"', ["own"]);
    alerts.call([action], { ...EVENT, type: "up", nextMs: undefined }, 5000, "alert");
    await idle();
    alerts.call(
      [action],
      { ...EVENT, type: "quorum-down", realserver: undefined, check: undefined },
      5000,
      "hook",
    );
    await idle();
    assert.equal(
      await written(),
      "-s http -g tcp://192.0.2.1:80 -h 10.0.0.1 -t 1700000000 -u own up up\nown failure quorum-down\n",
    );
  });

  test("of one subject keep their order, however long each takes", async () => {
    const slow = await program('sleep 0.2; echo slow >>"$OUT"');
    const quick = await program('echo quick >>"$OUT"');
    alerts.call([slow], EVENT, 5000, "alert");
    alerts.call([quick], { ...EVENT, type: "up" }, 5000, "alert");
    await idle();
    assert.equal(await written(), "slow\nquick\n");
  });

  test("beyond the rate are left out and counted, hooks are not", async () => {
    const action = await program('echo x >>"$OUT"');
    for (let n = 0; n < 8; n++) alerts.call([action], { ...EVENT, realserver: endpoint(n) }, 5000, "alert");
    for (let n = 0; n < 3; n++) alerts.call([action], EVENT, 5000, "hook");
    await idle();
    assert.equal((await written()).length, 16);
    assert.deepEqual(alerts.counters, { called: 8, failed: 0, dropped: 3 });
    assert.equal(logger.records.length, 1, "said once");
  });

  test("that fail or hang are logged with the reason, and what they print is escaped", async () => {
    alerts.call([await program("printf 'no \\033[31mmail\\n'; exit 7")], EVENT, 5000, "alert");
    alerts.call([await program("exec sleep 1000")], { ...EVENT, realserver: endpoint(2) }, 200, "alert");
    alerts.call([{ program: "/nonexistent", args: [] }], { ...EVENT, realserver: endpoint(3) }, 200, "alert");
    await idle();
    assert.equal(alerts.counters.failed, 3);
    const messages = logger.messages.join("\n");
    assert.match(messages, /exit status 7: "no \\x1b\[31mmail\\n"/);
    assert.match(messages, /timed out after 200 ms/);
    assert.match(messages, /no such program/);
  });

  describe("to a webhook", () => {
    let server: Server;
    let url: string;
    const requests: { method?: string; type?: string; body: string; url?: string }[] = [];

    before(async () => {
      server = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        requests.push({
          method: request.method,
          type: request.headers["content-type"],
          body,
          url: request.url,
        });
        if (request.url === "/hangs") return;
        response.statusCode = request.url === "/refuses" ? 500 : 204;
        response.end();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    test("are a POST of JSON", async () => {
      alerts.call([{ url: `${url}/ok`, headers: { "X-Token": "t" } }], EVENT, 5000, "alert");
      await idle();
      const { director, ...body } = JSON.parse(requests[0].body);
      assert.deepEqual([requests[0].method, requests[0].type], ["POST", "application/json"]);
      assert.deepEqual(body, {
        event: "down",
        service: "tcp://192.0.2.1:80",
        realserver: "10.0.0.1:80",
        check: "http",
        oldState: "up",
        newState: "down",
        reason: "status 503",
        time: "2023-11-14T22:13:20.500Z",
      });
      assert.equal(typeof director, "string");
      assert.equal(alerts.counters.failed, 0);
    });

    test("that refuses, hangs or is not there are logged with the reason", async () => {
      alerts.call([{ url: `${url}/refuses` }], { ...EVENT, realserver: endpoint(1) }, 5000, "alert");
      alerts.call([{ url: `${url}/hangs` }], { ...EVENT, realserver: endpoint(2) }, 200, "alert");
      alerts.call([{ url: "http://127.0.0.1:1/" }], { ...EVENT, realserver: endpoint(3) }, 5000, "alert");
      await idle();
      const messages = logger.messages.join("\n");
      assert.match(messages, /refuses failed: status 500/);
      assert.match(messages, /hangs failed: timed out after 200 ms/);
      assert.match(messages, /failed: (connection refused|bad port)/);
    });
  });

  test("follow a realserver down and up through the monitor, and do not delay its checks", async () => {
    const checker = new ScriptedChecker(() => systemTimers.nowMs(), [passes, fails, fails, fails, passes]);
    const down = await program(
      'echo "down $UVS_OLD_STATE $UVS_NEW_STATE $UVS_REASON" >>"$OUT"; exec sleep 0.3',
    );
    const up = await program('echo "up $*" >>"$OUT"');
    const monitor = new HealthMonitor({ sink: new RecordingSink(), logger });
    const check = {
      ...checkSpec({ rise: 1, fall: 2 }),
      checker,
      timing: checkTiming({ intervalMs: 20, warmupMs: 0 }),
    };
    const alert = {
      ...DEFAULT_ALERT,
      down: [down],
      up: [up],
      every: { intervalMs: 60_000, unlessChanged: "summary", strict: false },
    } as const;
    const realservers = [{ endpoint: endpoint(1), weight: 1, checks: [check] }];
    monitor.apply([serviceHealth({ service: SERVICE, realservers, alerts: [alert] })]);
    try {
      await waitFor("both were called", async () => (await written()).split("\n").length === 3);
      const [first, second] = (await written()).split("\n");
      assert.equal(first, "down up down broken");
      assert.match(second, /^up -s scripted -g tcp:\/\/192\.0\.2\.1:80 -h 10\.0\.0\.1 -t \d+ -l 60 -u$/);
      assert.ok(checker.startsMs.length > 5, "checks went on while the first program slept");
    } finally {
      monitor.stop();
    }
  });
});
