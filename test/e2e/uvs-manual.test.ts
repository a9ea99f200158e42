/** Every command of docs/uvs.md, run by a shell with the program itself. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../../src/config/load.js";
import { COMMANDS } from "../../src/control/cli/commands.js";
import { SYSCTLS } from "../../src/core/sysctls.js";
import { SCHEDULER_NAMES } from "../../src/schedulers/registry.js";
import { realserver, service, startControl, WEB } from "../helpers/control-fixture.js";
import { liveConnection } from "../helpers/live-connection.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";

const ENTRY = fileURLToPath(new URL("../../src/bin/uvs.js", import.meta.url));
const MANUAL = readFileSync(new URL("../../../docs/uvs.md", import.meta.url), "utf8");
const LINES = [...MANUAL.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) => block.trim().split("\n"));
/** Folders that the commands name, and that are elsewhere here. */
const FOLDERS = ["/etc/uvs", "/usr/share/bash-completion/completions", "/usr/share/zsh/site-functions"];

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly root: string;
}

async function run(t: TestContext, line: string): Promise<Ran> {
  const { path, operations } = await startControl(t);
  const servers = ["10.0.0.2", "10.0.0.3"].map((address) => realserver(address));
  await operations.addService(service({ realservers: servers }));
  operations.live = [liveConnection()];
  if (line.startsWith("uvs undrain")) await operations.drain(WEB, { address: "10.0.0.2", port: 80 });
  const root = temporaryDirectory(t);
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "etc/uvs/uvs.yaml"), "services: [{ listen: 'tcp://10.0.0.1:81' }]\n");
  const here = FOLDERS.reduce((text, folder) => text.replaceAll(folder, join(root, folder)), line);
  const script = `uvs() { "${process.execPath}" "${ENTRY}" "$@"; }\n${here}`;
  const env = { ...process.env, UVS_SOCKET: path };
  return new Promise((resolve) => {
    execFile("bash", ["-uc", script], { env, timeout: 30_000 }, (error, out, err) => {
      resolve({ exit: error === null ? 0 : Number(error.code), out, err, root });
    });
  });
}

for (const line of LINES) {
  test(`${line} does what docs/uvs.md says`, async (t) => {
    const { exit, out, err, root } = await run(t, line);
    assert.deepEqual({ exit, err }, { exit: line.startsWith("uvs diff") ? 3 : 0, err: "" });
    if (line.includes("--json")) assert.equal(typeof JSON.parse(out), "object");
    const [, file] = / > (.*)$/.exec(line) ?? [];
    assert.notEqual(file === undefined ? out : await readFile(join(root, file), "utf8"), "");
  });
}

test("docs/uvs.md tries every command", () => {
  const tried = new Set(LINES.map((line) => line.split(" ")[1]));
  assert.deepEqual([...tried].sort(), COMMANDS.map(({ name }) => name).sort());
});

test("docs/uvs.md lists every sysctl with its default and meaning", () => {
  const rows = [...MANUAL.matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \|$/gm)].map(([, ...cells]) => cells);
  const known = Object.entries(SYSCTLS).map(([name, { initial, meaning }]) => [name, `${initial}`, meaning]);
  assert.deepEqual(rows, known);
});

test("a dumped configuration is one that uvsd accepts", async (t) => {
  const { root } = await run(t, "uvs config dump > /etc/uvs/dumped.yaml");
  const text = await readFile(join(root, "etc/uvs/dumped.yaml"), "utf8");
  const config = parseConfig(text, "dumped.yaml", { schedulers: SCHEDULER_NAMES });
  assert.equal(config.services[0].realservers.length, 2);
});
