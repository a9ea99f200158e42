import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MAX_FILE_BYTES, readConfigFile } from "../../../src/config/read-file.js";

const folder = mkdtempSync(join(tmpdir(), "uvs-read-"));
after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test("the text of a file is read without its byte order mark", () => {
  assert.equal(readConfigFile(fileOf("bom", "\uFEFFservices: []\n")), "services: []\n");
});

test("a file larger than one piece is read whole", () => {
  const text = "# äöü\n".repeat(50_000);
  assert.equal(readConfigFile(fileOf("large", text)), text);
});

test("a missing file is refused by its path with what to do", () => {
  const path = join(folder, "missing.yaml");
  assert.throws(() => readConfigFile(path), {
    code: "CONFIG",
    message: `${path}: does not exist (ENOENT); check the path after -c`,
    details: { file: path, count: 1 },
  });
});

test("a directory is refused", () => {
  assert.throws(() => readConfigFile(folder), {
    code: "CONFIG",
    message: `${folder}: is a directory; name a file`,
  });
});

test("a file beyond the bound is refused, also a device without end", () => {
  const large = fileOf("huge", new Uint8Array(MAX_FILE_BYTES + 1).fill(32));
  for (const path of [large, "/dev/zero"]) {
    assert.throws(() => readConfigFile(path), {
      code: "CONFIG",
      message: /is too large, accepted are at most 16777216 bytes/,
    });
  }
});

test("a file that is not UTF-8 is refused", () => {
  const path = fileOf("latin1", Buffer.from("# f\u00fcr\n", "latin1"));
  assert.throws(() => readConfigFile(path), {
    code: "CONFIG",
    message: `${path}: is not UTF-8 text; save it in that encoding`,
  });
});

test("a file without permission is refused with the user who lacks it", () => {
  const path = fileOf("secret", "services: []\n");
  chmodSync(path, 0o000);
  chmodSync(folder, 0o755);
  const module = new URL("../../../src/config/read-file.js", import.meta.url).href;
  // Root may read everything: the reading is done by a process that is nobody.
  const script = `
    const { readConfigFile } = await import(${JSON.stringify(module)});
    if (process.getuid() === 0) process.setuid(65534);
    try { readConfigFile(${JSON.stringify(path)}); } catch (error) { console.log(error.code + " " + error.message); }
  `;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.match(stdout, /^CONFIG .*secret: cannot be read by user id \d+ \(EACCES\); allow it on the file/);
});
