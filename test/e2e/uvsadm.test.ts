/** The program itself, over a real control socket with an in-memory director behind it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startControl } from "../helpers/control-fixture.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";

const ENTRY = fileURLToPath(new URL("../../src/bin/uvsadm.js", import.meta.url));

interface Ended {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function uvsadm(
  args: readonly string[],
  { stdin = "", socket, entry = ENTRY }: { stdin?: string; socket?: string; entry?: string } = {},
): Promise<Ended> {
  const env = { ...process.env, UVS_SOCKET: socket };
  const child = spawn(process.execPath, [entry, ...args], { env, timeout: 20_000 });
  child.stdin.end(stdin);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { exit: child.exitCode ?? -1, stdout, stderr };
}

test("uvsadm sets a service up over the control socket and lists it", async (t) => {
  const { path } = await startControl(t);
  const rules = "-A -t 10.77.0.100:80 -s wrr -p 60\n-a -t 10.77.0.100:80 -r 10.77.2.1:80 -m -w 3\n";
  const restored = await uvsadm(["--socket", path, "-R"], { stdin: rules });
  assert.deepEqual(restored, { exit: 0, stdout: "", stderr: "" });
  assert.deepEqual(await uvsadm(["-S", "-n"], { socket: path }), { exit: 0, stdout: rules, stderr: "" });
  const edited = await uvsadm([
    `--socket=${path}`,
    "-e",
    "-t",
    "10.77.0.100:80",
    "-r",
    "10.77.2.1:80",
    "-m",
    "-w",
    "5",
  ]);
  assert.deepEqual(edited, { exit: 0, stdout: "", stderr: "" });
  assert.match(
    (await uvsadm(["-Ln"], { socket: path })).stdout,
    / {2}-> 10\.77\.2\.1:80 +Masq +5 +0 +0 +\n$/,
  );
});

test("what the director refuses ends in ipvsadm's words and status", async (t) => {
  const { path } = await startControl(t);
  assert.deepEqual(await uvsadm(["-D", "-t", "10.77.0.100:80"], { socket: path }), {
    exit: 255,
    stdout: "",
    stderr: "No such service\n",
  });
});

test("without a director uvsadm names the socket and how to choose another", async (t) => {
  const socket = join(temporaryDirectory(t), "none.sock");
  const { exit, stderr } = await uvsadm(["-L"], { socket });
  assert.equal(exit, 2);
  assert.match(
    stderr,
    /^Can't initialize ipvs: no director answers on .*none\.sock .*--socket or UVS_SOCKET\n$/,
  );
});

test("help needs no director, and messages name the program as it was called", async (t) => {
  const directory = temporaryDirectory(t);
  const link = join(directory, "ipvsadm");
  await symlink(ENTRY, link);
  const socket = join(directory, "none.sock");
  assert.match((await uvsadm(["-h"], { socket })).stdout, /^ipvsadm v1\.31 .*\nUsage:\n {2}uvsadm -A\|E /);
  assert.match((await uvsadm(["-h"], { socket, entry: link })).stdout, /\n {2}ipvsadm -A\|E /);
  assert.match((await uvsadm(["-Q"], { socket })).stderr, /^Try `uvsadm -h' or 'uvsadm --help' /);
});

test("a socket path that is too long is refused with its length", async () => {
  const { exit, stderr } = await uvsadm(["--socket", `/${"x".repeat(200)}`, "-L"]);
  assert.equal(exit, 2);
  assert.match(stderr, /^uvsadm: .*201 bytes.*\n$/);
});
