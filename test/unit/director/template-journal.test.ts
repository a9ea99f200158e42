import assert from "node:assert/strict";
import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { NOTHING_READ, type TemplateBatch } from "../../../src/balancer/template-stream.js";
import { TemplateJournal } from "../../../src/director/template-journal.js";
import { TemplateReplica } from "../../../src/forwarder/template-replica.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../helpers/temporary-folder.js";

const SIZES = { templates: 4096, services: 4, realservers: 16 };

/** Templates of clients 10.0.x.y, 300 s each. */
function batchOf(from: number, count: number, sequence: number): TemplateBatch {
  return {
    position: { origin: 1, sequence, removals: sequence },
    isWhole: false,
    hasMore: false,
    virtuals: ["tcp://10.77.0.100:80"],
    servers: ["10.77.2.1:80"],
    removals: [],
    upserts: Array.from({ length: count }, (_, i) => [
      0,
      0x0a000000 + from + i,
      0,
      0,
      0,
      0,
      300_000,
      300_000,
      0,
      1,
    ]).flat(),
  };
}

/** A director's replica and journal, in one life. */
class Life {
  readonly replica: TemplateReplica;
  readonly journal: TemplateJournal;
  readonly logger = new RecordingLogger();

  constructor(directory: string, wallMs: () => number = () => 0) {
    this.replica = new TemplateReplica(SIZES, { nowMs: () => 0 });
    const { replica, logger } = this;
    this.journal = new TemplateJournal({ directory, replica, logger, nowMs: wallMs });
  }

  /** Seconds until the first template ends. */
  expiresSec(): number {
    return this.replica.read(NOTHING_READ).upserts[7] / 1000;
  }
}

describe("journal of templates", () => {
  test("gives back what was written, whole and as changes, less the time that has passed", () =>
    withTemporaryFolder(async (folder) => {
      const first = new Life(folder);
      await first.journal.load();
      first.replica.apply(batchOf(0, 10, 1), true);
      await first.journal.flush();
      first.replica.apply(batchOf(10, 5, 2), true);
      await first.journal.stop();
      const second = new Life(folder, () => 100_000);
      await second.journal.load();
      assert.equal(second.replica.count, 15);
      assert.equal(second.expiresSec(), 200);
      const late = new Life(folder, () => 301_000);
      await late.journal.load();
      assert.equal(late.replica.count, 0, "their time is over");
    }));

  test("a clock that was set back lets nothing end early", () =>
    withTemporaryFolder(async (folder) => {
      const first = new Life(folder, () => 1_000_000);
      first.replica.apply(batchOf(0, 1, 1), true);
      await first.journal.stop();
      const second = new Life(folder, () => 0);
      await second.journal.load();
      assert.equal(second.expiresSec(), 300);
    }));

  for (const [what, tail] of [
    ["half a record", '01234567 {"at":1'],
    ["a record with another checksum", '01234567 {"at":1,"batch":{}}\n'],
    ["bytes that are no text", "\u0000\ufffd\u0000\n\n\n"],
  ]) {
    test(`${what} at the end is cut off with a message, and nothing before it`, () =>
      withTemporaryFolder(async (folder) => {
        const first = new Life(folder);
        first.replica.apply(batchOf(0, 3, 1), true);
        await first.journal.stop();
        const { size } = await stat(first.journal.path);
        await appendFile(first.journal.path, tail);
        const second = new Life(folder);
        await second.journal.load();
        assert.equal(second.replica.count, 3);
        assert.equal((await stat(first.journal.path)).size, size);
        assert.match(JSON.stringify(second.logger.records), /damaged from here on/);
      }));
  }

  test("another file of that name is passed over, and written anew", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "templates.journal"), "something else\n");
      const life = new Life(folder);
      await life.journal.load();
      life.replica.apply(batchOf(0, 2, 1), true);
      await life.journal.stop();
      const next = new Life(folder);
      await next.journal.load();
      assert.equal(next.replica.count, 2);
    }));

  test("is written anew when it has grown to many times its templates", () =>
    withTemporaryFolder(async (folder) => {
      const { replica, journal } = new Life(folder);
      let longest = 0;
      for (let round = 1; round < 60; round++) {
        // Each round moves the timers, so that all are changes.
        const { upserts, ...rest } = batchOf(0, 500, round);
        const moved = upserts.map((number, i) => (i % 10 === 7 ? number + 2000 * round : number));
        replica.apply({ ...rest, upserts: moved }, true);
        await journal.flush();
        longest = Math.max(longest, (await stat(journal.path)).size);
      }
      await journal.stop();
      assert.ok(longest < 1.2 * 1024 * 1024, `${longest} bytes`);
      const text = await readFile(journal.path, "utf8");
      assert.ok(text.startsWith("uvs templates 1\n"));
    }));

  test("a directory that cannot be written is told once, and tried again", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "file");
      await writeFile(file, "");
      const { replica, journal, logger } = new Life(join(file, "state"));
      await journal.load();
      replica.apply(batchOf(0, 1, 1), true);
      await journal.flush();
      await journal.flush();
      assert.equal(JSON.stringify(logger.records).match(/cannot be kept/g)?.length, 1);
    }));
});
