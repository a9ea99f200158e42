import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Notice, Notifier } from "../../../../src/ha/resources/notify.js";
import { SystemTimers } from "../../../../src/ha/timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

const timers = new SystemTimers();
const notice = (state: Notice["state"], priority = 100): Notice => ({
  type: "INSTANCE",
  name: "vi",
  state,
  priority,
  reason: "a test",
});

/** A hook that writes down its arguments. */
function hook(folder: string, body = ""): string {
  const path = join(folder, "hook");
  writeFileSync(path, `#!/bin/sh\n${body}\necho "$*" >> ${folder}/said\n`);
  chmodSync(path, 0o755);
  return path;
}

const said = (folder: string): string[] => readFileSync(join(folder, "said"), "utf8").trim().split("\n");

test("the state's own hook runs as written, then the one for all with keepalived's arguments", () =>
  withTemporaryFolder(async (folder) => {
    const path = hook(folder);
    const settings = { master: { path, args: ["own"] }, any: { path, args: ["all"] } };
    const notifier = new Notifier(settings, timers, new RecordingLogger());
    notifier.notify(notice("MASTER"));
    notifier.notify(notice("BACKUP", 90));
    notifier.notify({ ...notice("FAULT", 0), type: "GROUP", name: "vg" });
    await notifier.idle();
    assert.deepEqual(said(folder), [
      "own",
      "all INSTANCE vi MASTER 100",
      "all INSTANCE vi BACKUP 90",
      "all GROUP vg FAULT 0",
    ]);
  }));

test("hooks run one after another, in the order of events, also when an earlier one is slow", () =>
  withTemporaryFolder(async (folder) => {
    const path = hook(folder, '[ "$3" = MASTER ] && sleep 0.3');
    const notifier = new Notifier({ any: { path, args: [] } }, timers, new RecordingLogger());
    notifier.notify(notice("MASTER"));
    notifier.notify(notice("BACKUP"));
    await notifier.idle();
    assert.deepEqual(said(folder), ["INSTANCE vi MASTER 100", "INSTANCE vi BACKUP 100"]);
  }));

test("a hook that hangs is ended after its time, told, and the next one runs", () =>
  withTemporaryFolder(async (folder) => {
    const logger = new RecordingLogger();
    const path = hook(folder, '[ "$3" = MASTER ] && exec sleep 1000');
    const notifier = new Notifier({ any: { path, args: [] }, timeoutMs: 200 }, timers, logger);
    notifier.notify(notice("MASTER"));
    notifier.notify(notice("STOP"));
    await notifier.idle();
    assert.deepEqual(said(folder), ["INSTANCE vi STOP 100"]);
    assert.match(logger.messages[0], /timed out after 200 ms/);
  }));

test("the environment tells the same, and the reason", () =>
  withTemporaryFolder(async (folder) => {
    const path = hook(folder, `env | grep ^UVS_HA_ | sort > ${folder}/environment`);
    const notifier = new Notifier({ conflict: { path, args: [] } }, timers, new RecordingLogger());
    notifier.notify(notice("MASTER_RX_LOWER_PRI"));
    await notifier.idle();
    assert.deepEqual(readFileSync(join(folder, "environment"), "utf8").trim().split("\n"), [
      "UVS_HA_NAME=vi",
      "UVS_HA_PRIORITY=100",
      "UVS_HA_REASON=a test",
      "UVS_HA_STATE=MASTER_RX_LOWER_PRI",
      "UVS_HA_TYPE=INSTANCE",
    ]);
  }));

test("of more than a hundred that wait the oldest are left out", () =>
  withTemporaryFolder(async (folder) => {
    const logger = new RecordingLogger();
    const path = hook(folder);
    const settings = { master: { path, args: ["first"] }, stop: { path, args: ["last"] } };
    const notifier = new Notifier(settings, timers, logger);
    notifier.notify(notice("MASTER"));
    for (let i = 0; i < 199; i++) notifier.notify(notice("BACKUP"));
    notifier.notify(notice("STOP"));
    await notifier.idle();
    assert.deepEqual(said(folder), ["first", "last"]);
    assert.equal(logger.messages.filter((message) => message.includes("left out")).length, 100);
  }));
