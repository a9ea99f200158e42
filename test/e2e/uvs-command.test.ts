import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { DEFAULT_SETTINGS } from "../../src/core/model.js";
import { startControl } from "../helpers/control-fixture.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";

// What was compiled together with this test, and the repository that it was compiled from.
const BUILD = resolve(import.meta.dirname, "../..");
const REPOSITORY = resolve(BUILD, "..");

/** An installation: the launchers beside `dist`, which is the build under test, or is missing. */
async function install(t: TestContext, isBuilt: boolean): Promise<string> {
  const directory = temporaryDirectory(t);
  await mkdir(join(directory, "bin"));
  for (const name of ["uvs", "uvsd", "uvsadm"]) {
    await copyFile(join(REPOSITORY, "bin", name), join(directory, "bin", name));
  }
  await writeFile(join(directory, "package.json"), '{"type":"module"}');
  if (isBuilt) await symlink(BUILD, join(directory, "dist"));
  return join(directory, "bin");
}

function run(file: string, args: string[], env = {}): Promise<{ exit: number; out: string; err: string }> {
  return new Promise((done) => {
    execFile(file, args, { env: { ...process.env, ...env }, timeout: 30_000 }, (error, out, err) => {
      done({ exit: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

test("bin/uvs asks the director on the socket that it is told, and exits 0", async (t) => {
  const { path, operations } = await startControl(t);
  await operations.addService({
    id: { protocol: "tcp", address: "10.0.0.1", port: 80 },
    settings: DEFAULT_SETTINGS,
    realservers: [],
  });
  const bin = await install(t, true);
  const byOption = await run(join(bin, "uvs"), ["status", "--socket", path]);
  assert.match(byOption.out, /^tcp:\/\/10\.0\.0\.1:80 +wlc .*no realserver available$/m);
  assert.deepEqual({ exit: byOption.exit, err: byOption.err }, { exit: 0, err: "" });
  const byEnvironment = await run(join(bin, "uvs"), ["status", "--json"], { UVS_SOCKET: path });
  assert.deepEqual(JSON.parse(byEnvironment.out), await operations.status());
});

test("bin/uvs exits 1 where no director answers and 2 on wrong usage", async (t) => {
  const bin = await install(t, true);
  const path = join(bin, "uvsd.sock");
  const unanswered = await run(join(bin, "uvs"), ["status", "--socket", path]);
  assert.equal(unanswered.exit, 1);
  assert.match(unanswered.err, /^uvs: no director answers on .*uvsd\.sock \(ENOENT\): is uvsd running\?/);
  assert.equal((await run(join(bin, "uvs"), ["stauts"])).exit, 2);
});

test("bin/uvs takes it well when the reader of its output leaves early", async (t) => {
  const { path, operations } = await startControl(t);
  operations.nextReload = async () => ({ changes: Array.from({ length: 100_000 }, (_, i) => `change ${i}`) });
  const bin = await install(t, true);
  const script = `"${join(bin, "uvs")}" reload --socket "${path}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { out, err } = await run("bash", ["-c", script]);
  assert.deepEqual({ out, err }, { out: "change 0\n0\n", err: "" });
});

for (const name of ["uvs", "uvsd", "uvsadm"]) {
  test(`bin/${name} says how to build it where it is not built`, async (t) => {
    const bin = await install(t, false);
    const { exit, out, err } = await run(join(bin, name), ["--version"]);
    assert.deepEqual({ exit, out }, { exit: 1, out: "" });
    assert.equal(err, `${name}: not built: run \`npm run setup\` in the directory that holds package.json\n`);
  });
}
