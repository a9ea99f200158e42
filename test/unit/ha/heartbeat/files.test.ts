/** What a director keeps in files: its keys, and the number of its last start. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { nextGeneration } from "../../../../src/ha/heartbeat/generation.js";
import { KeyFile } from "../../../../src/ha/heartbeat/key-file.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

describe("the generation", () => {
  test("is the time, and one more than the last where the clock was set back", () =>
    withTemporaryFolder((folder) => {
      const path = join(folder, "state", "generation");
      const logger = new RecordingLogger();
      assert.deepEqual(
        [1000, 1001, 500, 500, 2000].map((nowSec) => nextGeneration(path, nowSec, logger)),
        [1000, 1001, 1002, 1003, 2000],
      );
      assert.deepEqual(logger.records, []);
    }));

  test("a damaged file is none; one that cannot be written is told", () =>
    withTemporaryFolder((folder) => {
      const path = join(folder, "generation");
      const logger = new RecordingLogger();
      writeFileSync(path, "what?");
      assert.equal(nextGeneration(path, 1000, logger), 1000);
      assert.equal(readFileSync(path, "utf8"), (1000).toString(16));
      assert.equal(nextGeneration(join(path, "below-a-file"), 1000, logger), 1000);
      assert.match(logger.messages[0], /the generation cannot be kept/);
    }));
});

describe("the key file", () => {
  test("is read again when it has changed; a change that makes no sense is told, and the old keys stay", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "authkeys");
      const timers = new FakeTimers();
      const logger = new RecordingLogger();
      const bytes = Buffer.from("bytes");
      let seconds = 1000;
      const write = async (text: string, mode = 0o600): Promise<string> => {
        writeFileSync(path, text);
        chmodSync(path, mode);
        utimesSync(path, ++seconds, seconds);
        await timers.advance(1000);
        return file.keys.sign(bytes).split(" ")[0];
      };
      writeFileSync(path, "auth 1\n1 sha1 word\n", { mode: 0o600 });
      const file = new KeyFile(path, timers, logger);
      assert.equal(await write("auth 2\n1 sha1 word\n2 sha256 word\n"), "2");
      assert.equal(await write("auth 3\n"), "2");
      assert.match(logger.messages.at(-1) ?? "", /the keys stay as they were: .*auth 3 without key 3/);
      assert.equal(await write("auth 3\n3 sha1 word\n", 0o644), "2");
      assert.match(logger.messages.at(-1) ?? "", /mode 0644/);
      assert.equal(await write("auth 4\n4 md5 word\n"), "4");
      assert.ok(logger.messages.some((message) => message.includes("md5 is broken")));
    }));
});
