import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LogOutput } from "../../../src/metrics/log-output.js";
import { openOutput } from "../../../src/metrics/output.js";
import { withTemporaryFolder } from "../../helpers/temporary-folder.js";

const LOG_MODULE = new URL("../../../src/metrics/log.js", import.meta.url).href;

/** A program that logs; `options` and `body` are source text. */
const program = (options: string, body: string): string[] => [
  "--input-type=module",
  "-e",
  `import { createLogger } from ${JSON.stringify(LOG_MODULE)}; const logger = createLogger(${options}); ${body}`,
];

function logged(options: string, body: string): string {
  const { stderr, status } = spawnSync(process.execPath, program(options, body), { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stderr;
}

test("records are JSON where standard error is no terminal", () => {
  const record = JSON.parse(
    logged('{ level: "info", format: "auto" }', 'logger.child({ part: "x" }).info({ a: 1 }, "hello")'),
  );
  assert.equal(record.level, "info");
  assert.equal(record.msg, "hello");
  assert.equal(record.a, 1);
  assert.equal(record.part, "x");
  assert.equal(new Date(record.time).toISOString(), record.time);
});

test("records are a readable line where that is asked for", () => {
  const text = logged('{ level: "info", format: "pretty" }', 'logger.warn({ a: 1 }, "hello")');
  assert.match(text, /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: hello \{"a":1\}\n$/);
});

test("records below the level are left out", () => {
  const text = logged('{ level: "warn", format: "json" }', 'logger.info({}, "no"); logger.error({}, "yes")');
  assert.equal(JSON.parse(text).msg, "yes");
});

test("everything is written before the process exits", () => {
  const text = logged(
    '{ level: "info", format: "json" }',
    'for (let i = 0; i < 1000; i++) logger.info({ i }, "x"); process.exit(0)',
  );
  const numbers = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).i);
  assert.deepEqual(
    numbers,
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test("logging goes on silently when the reader of standard error is gone", async () => {
  const body =
    'process.stdin.once("data", () => { for (let i = 0; i < 100; i++) logger.info({ i }, "x"); process.exit(7); })';
  const child = spawn(process.execPath, program('{ level: "info", format: "json" }', body));
  child.stderr.destroy();
  await once(child.stderr, "close");
  child.stdin.end("go");
  const [status] = await once(child, "exit");
  assert.equal(status, 7);
});

test("a FIFO that nobody reads neither holds up the process nor its exit", () =>
  withTemporaryFolder((folder) => {
    const fifo = join(folder, "fifo");
    execFileSync("mkfifo", [fifo]);
    const held = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const inherited = openSync(fifo, constants.O_WRONLY);
    try {
      const body =
        'const pad = "x".repeat(1000); for (let i = 0; i < 1000; i++) logger.info({ pad }, "x"); console.log("done")';
      const { stdout, error } = spawnSync(
        process.execPath,
        program('{ level: "info", format: "json" }', body),
        {
          stdio: ["ignore", "pipe", inherited],
          encoding: "utf8",
          timeout: 20_000,
        },
      );
      assert.equal(error, undefined);
      assert.equal(stdout, "done\n");
    } finally {
      closeSync(inherited);
      closeSync(held);
    }
  }));

test("lines wait for a slow reader in order, and those that do not fit are counted", () =>
  withTemporaryFolder((folder) => {
    const fifo = join(folder, "fifo");
    execFileSync("mkfifo", [fifo]);
    const target = openOutput(fifo);
    try {
      const output = new LogOutput(target, 10_000);
      const line = `${"x".repeat(999)}\n`;
      const written = 100;
      for (let i = 0; i < written; i++) output.write(line);
      assert.equal(output.takeDropped(), 0);
      const buffer = Buffer.alloc(65536);
      let arrived = readSync(target.fd, buffer);
      assert.ok(output.flush());
      arrived += readSync(target.fd, buffer);
      assert.equal(arrived % 1000, 0);
      assert.equal(output.takeDropped(), written - arrived / 1000);
      assert.equal(output.takeDropped(), 0);
    } finally {
      target.close();
    }
  }));

test("a log in a file is appended to by a descriptor that others share", () =>
  withTemporaryFolder((folder) => {
    const file = join(folder, "log");
    const fd = openSync(file, "w");
    for (const word of ["one", "two"]) {
      spawnSync(
        process.execPath,
        program('{ level: "info", format: "json" }', `logger.info({}, "${word}")`),
        {
          stdio: ["ignore", "ignore", fd],
        },
      );
    }
    closeSync(fd);
    const messages = readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).msg);
    assert.deepEqual(messages, ["one", "two"]);
  }));
