import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AccessLog, type AccessRecord } from "../../../src/metrics/access-log.js";
import { withTemporaryFolder } from "../../helpers/temporary-folder.js";
import { waitFor } from "../../helpers/wait-for.js";

const RECORD: AccessRecord = {
  time: "2026-01-02T03:04:05.678Z",
  client: "198.51.100.7:51234",
  vip: "192.0.2.1:80",
  service: "TCP 192.0.2.1:80",
  realserver: "10.0.0.2:80",
  inBytes: 78,
  outBytes: 1048576,
  connectMs: 0.251,
  sessionMs: 12.5,
  end: "client",
  retries: 0,
};
const LINE_BYTES = JSON.stringify(RECORD).length + 1;

const linesOf = (path: string): AccessRecord[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

test("a record is one line of JSON", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "access.log");
    const log = new AccessLog({ file });
    log.write(RECORD);
    await log.close();
    assert.equal(readFileSync(file, "utf8"), `${JSON.stringify(RECORD)}\n`);
  }));

test("closing writes everything that waits, in order", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "access.log");
    const log = new AccessLog({ file });
    for (let retries = 0; retries < 5000; retries++) log.write({ ...RECORD, retries });
    await log.close();
    assert.deepEqual(
      linesOf(file).map(({ retries }) => retries),
      Array.from({ length: 5000 }, (_, i) => i),
    );
    assert.equal(log.dropped, 0);
  }));

test("an existing file is appended to", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "access.log");
    for (let i = 0; i < 2; i++) {
      const log = new AccessLog({ file });
      log.write(RECORD);
      await log.close();
    }
    assert.equal(linesOf(file).length, 2);
  }));

test("after a rotation records go to a new file and none is lost", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "access.log");
    const log = new AccessLog({ file });
    log.write({ ...RECORD, retries: 1 });
    await waitFor("the first record is written", () => sizeOf(file) === LINE_BYTES);
    renameSync(file, `${file}.1`);
    log.write({ ...RECORD, retries: 2 });
    log.reopen();
    log.write({ ...RECORD, retries: 3 });
    await log.close();
    const retries = [...linesOf(`${file}.1`), ...linesOf(file)].map((record) => record.retries);
    assert.deepEqual(retries, [1, 2, 3]);
    assert.equal(linesOf(file).at(-1)?.retries, 3);
  }));

test("a rotation into a folder that is gone is refused and the old file stays in use", () =>
  withTemporaryFolder(async (folder) => {
    const inner = join(folder, "logs");
    execFileSync("mkdir", [inner]);
    const log = new AccessLog({ file: join(inner, "access.log") });
    renameSync(inner, `${inner}.moved`);
    assert.throws(() => log.reopen(), { code: "SYSCALL", message: /cannot open .*access\.log.*ENOENT/ });
    log.write(RECORD);
    await log.close();
    assert.equal(linesOf(join(`${inner}.moved`, "access.log")).length, 1);
  }));

test("a path that cannot be opened is refused with errno and advice", () => {
  assert.throws(() => new AccessLog({ file: "/proc/nowhere/access.log" }), {
    code: "SYSCALL",
    message:
      "cannot open /proc/nowhere/access.log to append to it: open ENOENT; choose another path, or give uvsd the right to write there",
  });
});

test("a full disk is named, and records that no longer fit are counted", { skip: noDevFull() }, async () => {
  const log = new AccessLog({ file: "/dev/full", maxWaiting: 2 * LINE_BYTES });
  for (let i = 0; i < 3; i++) log.write(RECORD);
  assert.equal(log.dropped, 1);
  await waitFor("the failure is known", () => log.failure === "ENOSPC");
  await log.close(0);
  assert.equal(log.dropped, 3);
});

test("a FIFO that nobody reads drops and counts, and never holds up the writer", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "fifo");
    execFileSync("mkfifo", [file]);
    const log = new AccessLog({ file, maxWaiting: 100 * LINE_BYTES });
    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // Far more than the 64 KiB of a FIFO and the buffer hold.
      const written = 10_000;
      for (let i = 0; i < written; i++) {
        log.write({ ...RECORD, retries: i });
        if (i % 100 === 0) await new Promise(setImmediate);
      }
      assert.ok(log.dropped > 0);
      assert.equal(log.failure, undefined);
      await log.close(0);
      const arrived = readAvailable(reader).split("\n").slice(0, -1);
      for (const line of arrived) JSON.parse(line);
      assert.equal(arrived.length + log.dropped, written);
    } finally {
      closeSync(reader);
    }
  }));

test("records that waited for a slow reader arrive when it goes on", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "fifo");
    execFileSync("mkfifo", [file]);
    const log = new AccessLog({ file });
    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const written = 1000;
      for (let i = 0; i < written; i++) log.write(RECORD);
      let text = "";
      await waitFor("all records arrived", () => {
        text += readAvailable(reader);
        return text.length === written * LINE_BYTES;
      });
      assert.equal(log.dropped, 0);
      await log.close();
    } finally {
      closeSync(reader);
    }
  }));

/** What can be read from a non-blocking descriptor now. */
function readAvailable(fd: number): string {
  const buffer = Buffer.alloc(65536);
  let text = "";
  for (;;) {
    try {
      const count = readSync(fd, buffer);
      if (count === 0) return text;
      text += buffer.toString("utf8", 0, count);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
      return text;
    }
  }
}

function noDevFull(): string | false {
  return statSync("/dev/full", { throwIfNoEntry: false }) === undefined && "this system has no /dev/full";
}
