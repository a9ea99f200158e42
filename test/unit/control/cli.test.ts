import assert from "node:assert/strict";
import { test } from "node:test";
import { ExitCode } from "../../../src/control/cli/command.js";
import { COMMANDS } from "../../../src/control/cli/commands.js";
import { commandHelp, overviewHelp } from "../../../src/control/cli/help.js";
import { UvsError } from "../../../src/core/errors.js";
import { InMemoryOperations } from "../../helpers/in-memory-operations.js";
import { uvs } from "../../helpers/run-uvs.js";

test("status shows the director", async () => {
  const { exit, out, err } = await uvs(["status"]);
  assert.match(out, /^uvsd 0\.1\.0 {2}pid 4711 {2}up 1m 0s/);
  assert.deepEqual({ exit, err }, { exit: ExitCode.OK, err: "" });
});

test("status --json prints what the director reports", async () => {
  const operations = new InMemoryOperations();
  const { out } = await uvs(["status", "--json"], operations);
  assert.deepEqual(JSON.parse(out), await operations.status());
});

test("control characters reach the terminal only as visible text, and JSON keeps its meaning", async () => {
  const operations = new InMemoryOperations();
  const hostile = "/etc/\u001b]0;gotcha\u0007\u009b31m\u202e.yaml";
  operations.statusOverrides = { configFile: hostile };
  const plain = await uvs(["status"], operations);
  assert.match(plain.out, /\/etc\/\\u001b\]0;gotcha\\u0007\\u009b31m\\u202e\.yaml/);
  const json = await uvs(["status", "--json"], operations);
  for (const { out } of [plain, json]) {
    assert.equal(
      [...out].find((char) => char !== "\n" && /[\p{Cc}\p{Cf}]/u.test(char)),
      undefined,
    );
  }
  assert.equal((JSON.parse(json.out) as { configFile: string }).configFile, hostile);
});

test("a message of the director is made visible too", async () => {
  const operations = new InMemoryOperations();
  operations.nextReload = () => Promise.reject(new UvsError("CONFIG", "bad \u001b[2J"));
  const { exit, out, err } = await uvs(["reload"], operations);
  assert.deepEqual({ exit, out, err }, { exit: ExitCode.FAILED, out: "", err: "uvs: bad \\u001b[2J\n" });
});

test("reload prints a line for each difference", async () => {
  const operations = new InMemoryOperations();
  assert.equal((await uvs(["reload"], operations)).out, "nothing changed\n");
  operations.nextReload = async () => ({ changes: ["a: added", "b: removed"] });
  assert.equal((await uvs(["reload"], operations)).out, "a: added\nb: removed\n");
});

test("the socket is that of --socket, else of UVS_SOCKET, else the default", async () => {
  const environment = { UVS_SOCKET: "/env.sock" };
  const sockets = async (args: string[], env: NodeJS.ProcessEnv): Promise<readonly string[]> =>
    (await uvs(args, undefined, env)).sockets;
  assert.deepEqual(await sockets(["--socket", "/a.sock", "status"], environment), ["/a.sock"]);
  assert.deepEqual(await sockets(["status", "--socket=/b.sock"], environment), ["/b.sock"]);
  assert.deepEqual(await sockets(["status"], environment), ["/env.sock"]);
  assert.deepEqual(await sockets(["status"], { UVS_SOCKET: "" }), ["/run/uvs/uvsd.sock"]);
});

test("--version prints the version and opens no socket", async () => {
  const { exit, out, sockets } = await uvs(["--version"]);
  assert.deepEqual({ exit, out, sockets }, { exit: ExitCode.OK, out: "uvs 1.2.3\n", sockets: [] });
});

for (const [what, args, text] of [
  ["no command", [], /^uvs: no command given\n\nuvs: commands to a running director/],
  [
    "an unknown command",
    ["stauts"],
    /^uvs: there is no command "stauts"; the commands are status, .*help\n$/,
  ],
  ["help for an unknown command", ["help", "stauts"], /there is no command "stauts"/],
  [
    "an unknown option",
    ["status", "--jsno"],
    /^uvs: Unknown option '--jsno'\nusage: uvs status \[--json\]; see/,
  ],
  [
    "an option without its value",
    ["status", "--socket"],
    /^uvs: Option '--socket <value>' argument missing\n/,
  ],
  ["an argument too many", ["status", "tcp://1"], /^uvs: unexpected argument "tcp:\/\/1"\nusage: uvs status/],
] as const) {
  test(`${what} is wrong usage: exit 2, a message, no socket opened`, async () => {
    const { exit, out, err, sockets } = await uvs(args);
    assert.match(err, text);
    assert.deepEqual({ exit, out, sockets }, { exit: ExitCode.USAGE, out: "", sockets: [] });
  });
}

test("help for a command is the same three ways round", async () => {
  const expected = `${commandHelp(COMMANDS[0])}\n`;
  for (const args of [
    ["help", "status"],
    ["status", "--help"],
    ["-h", "status"],
  ]) {
    assert.deepEqual(await uvs(args), { exit: ExitCode.OK, out: expected, err: "", sockets: [] });
  }
  assert.equal((await uvs(["help"])).out, `${overviewHelp(COMMANDS)}\n`);
});

test("every help fits a screen and has an example of its own command", () => {
  for (const text of [overviewHelp(COMMANDS), ...COMMANDS.map(commandHelp)]) {
    const lines = text.split("\n");
    assert.ok(lines.length <= 24, `${lines.length} lines:\n${text}`);
    assert.ok(Math.max(...lines.map((line) => line.length)) <= 100, text);
  }
  for (const { name, usage, example } of COMMANDS) {
    assert.ok(example.startsWith(`uvs ${name}`), example);
    assert.ok(usage.startsWith(name), usage);
  }
});
