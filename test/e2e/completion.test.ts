/** The completion scripts, loaded by the shells that they are for. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { COMMANDS } from "../../src/control/cli/commands.js";
import { bashCompletion, zshCompletion } from "../../src/control/cli/completion-scripts.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";

/** What bash offers for these words, the last of which is being typed. */
async function completed(t: TestContext, words: readonly string[]): Promise<string[]> {
  const directory = temporaryDirectory(t);
  const script = join(directory, "uvs.bash");
  writeFileSync(script, bashCompletion(COMMANDS));
  writeFileSync(join(directory, "uvs.yaml"), "");
  const test = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _uvs; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["--norc", "-uc", test, "bash", script, ...words], {
    cwd: directory,
    encoding: "utf8",
    timeout: 20_000,
  });
  return out.split("\n").filter((line) => line !== "");
}

test("bash completes the names of all commands", async (t) => {
  const offered = await completed(t, ["uvs", ""]);
  for (const { name } of COMMANDS) assert.ok(offered.includes(name), name);
  assert.deepEqual(await completed(t, ["uvs", "und"]), ["undrain"]);
});

test("bash completes the options of the command, also after --socket", async (t) => {
  assert.deepEqual(await completed(t, ["uvs", "drain", "--d"]), ["--deadline"]);
  assert.deepEqual(await completed(t, ["uvs", "--socket", "/run/s", "kill", "--a"]), ["--all"]);
  assert.deepEqual(await completed(t, ["uvs", "status", "--deadline"]), []);
});

test("bash completes the words that a command takes", async (t) => {
  assert.deepEqual(await completed(t, ["uvs", "config", "d"]), ["dump"]);
  assert.deepEqual(await completed(t, ["uvs", "sysctl", "run"]), ["run_estimation"]);
  assert.deepEqual(await completed(t, ["uvs", "help", "sys"]), ["sysctl"]);
});

test("bash completes files where a file is meant", async (t) => {
  assert.deepEqual(await completed(t, ["uvs", "diff", "uvs.y"]), ["uvs.yaml"]);
  assert.deepEqual(await completed(t, ["uvs", "--socket", "uvs.y"]), ["uvs.yaml"]);
});

const hasZsh = spawnSync("zsh", ["--version"]).status === 0;

test("zsh accepts its script", { skip: hasZsh ? false : "zsh is not installed" }, async (t) => {
  const file = join(temporaryDirectory(t), "_uvs");
  writeFileSync(file, zshCompletion(COMMANDS));
  const script = `autoload -Uz compinit; compinit -u -d "$2"; fpath=("\${1:h}" $fpath); autoload -Uz _uvs; autoload +X _uvs; whence -w _uvs`;
  const out = execFileSync("zsh", ["-fc", script, "zsh", file, `${file}.dump`], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(out, "_uvs: function\n");
  execFileSync("zsh", ["-n", file], { timeout: 20_000 });
});
