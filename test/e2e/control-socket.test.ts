import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, readdir, stat, unlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ControlClient } from "../../src/control/client.js";
import { ControlServer } from "../../src/control/server.js";
import { type ErrorCode, UvsError } from "../../src/core/errors.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type ServiceId,
  type VirtualService,
} from "../../src/core/model.js";
import {
  ask,
  type LogRecord,
  recordingLogger,
  speakRaw,
  startControl,
  temporaryDirectory,
} from "../helpers/control-fixture.js";

const WEB: ServiceId = { protocol: "tcp", address: "10.0.0.1", port: 80 };
const WEB_PATH = "/v1/services/tcp%3A%2F%2F10.0.0.1%3A80";
const service = (over: Partial<VirtualService> = {}): VirtualService => ({
  id: WEB,
  settings: DEFAULT_SETTINGS,
  realservers: [],
  ...over,
});
const server = (address: string, port = 80) => ({ ...DEFAULT_REALSERVER, address, port });

const withCode =
  (code: ErrorCode, text = /./) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof UvsError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };

const newServer = (path: string): ControlServer => new ControlServer({ path, logger: recordingLogger() });

test("every operation works through client and socket as it does on the director itself", async (t) => {
  const { path, operations } = await startControl(t);
  const client = new ControlClient(path);
  t.after(() => client.close());
  const mark: ServiceId = { fwmark: 8, family: 6 };
  const settings = {
    ...DEFAULT_SETTINGS,
    scheduler: "sh",
    schedulerFlags: 0x18,
    persistence: { timeoutSec: 360, netmask: 64 },
    persistenceEngine: "sip",
    sorry: { address: "fd77::9", port: 81 },
    timeouts: { connectMs: 200 },
    limits: { connections: 5, perSource: 2 },
    redispatch: 0,
  };
  await client.addService(service({ realservers: [server("10.0.0.2"), server("10.0.0.3")] }));
  await client.addService(service({ id: mark, settings }));
  const tunnel = { type: "gue", port: 6080, checksum: "csum" } as const;
  await client.addRealserver(mark, {
    ...server("fd77::1", 0),
    forwarding: "tunnel",
    upperThreshold: 9,
    tunnel,
  });
  await client.editService(WEB, { ...DEFAULT_SETTINGS, scheduler: "wrr" });
  await client.editRealserver(WEB, { ...server("10.0.0.2"), weight: 0 });
  await client.deleteRealserver(WEB, { address: "10.0.0.3", port: 80 });
  await client.addRealserver(WEB, server("10.0.0.4"));
  await client.zero(WEB);
  assert.deepEqual(operations.zeroed, ["tcp://10.0.0.1:80"]);
  await client.zero();
  assert.equal(operations.zeroed.length, 3);

  const [web, marked] = await client.services();
  assert.equal(web.settings.scheduler, "wrr");
  assert.deepEqual(
    web.realservers.map(({ address, weight }) => [address, weight]),
    [
      ["10.0.0.4", 1],
      ["10.0.0.2", 0],
    ],
  );
  assert.deepEqual(marked.settings, settings);
  assert.deepEqual(marked.realservers[0].tunnel, tunnel);
  assert.deepEqual(await client.services(mark), [marked]);
  assert.deepEqual(await client.status(), await operations.status());

  await client.setTimeouts({ tcpSec: 60, tcpFinSec: 0, udpSec: 0 });
  assert.deepEqual(await client.timeouts(), { tcpSec: 60, tcpFinSec: 120, udpSec: 300 });
  operations.nextReload = async () => ({ changes: ["tcp://10.0.0.1:80: removed"] });
  assert.deepEqual(await client.reload(), { changes: ["tcp://10.0.0.1:80: removed"] });
  await client.deleteService(mark);
  assert.equal((await client.services()).length, 1);
  await client.clear();
  assert.deepEqual(await client.services(), []);
});

test("errors of the director arrive at the client with code, message, details and side", async (t) => {
  const { path, operations } = await startControl(t);
  const client = new ControlClient(path);
  t.after(() => client.close());
  await assert.rejects(client.services(WEB), withCode("NO_SERVICE"));
  await assert.rejects(client.editService(WEB, DEFAULT_SETTINGS), withCode("NO_SERVICE"));
  await assert.rejects(client.deleteService(WEB), withCode("NO_SERVICE"));
  await assert.rejects(client.zero(WEB), withCode("NO_SERVICE"));
  await assert.rejects(client.addRealserver(WEB, server("10.0.0.2")), withCode("NO_SERVICE"));
  await client.addService(service());
  await assert.rejects(client.addService(service()), withCode("EXISTS"));
  await assert.rejects(
    client.deleteRealserver(WEB, { address: "10.0.0.2", port: 80 }),
    withCode("NO_SERVER"),
  );
  await assert.rejects(client.editRealserver(WEB, server("10.0.0.2")), withCode("NO_SERVER"));
  const unknown = { ...DEFAULT_SETTINGS, scheduler: "abc" };
  await assert.rejects(client.editService(WEB, unknown), withCode("NO_SCHEDULER", /"abc", known are rr/));
  const crossed = { ...server("10.0.0.2"), lowerThreshold: 2, upperThreshold: 1 };
  await assert.rejects(client.addRealserver(WEB, crossed), withCode("RANGE"));
  const original = new UvsError("CONFIG", "a.yaml:3:1: no", {
    side: "config",
    retryable: true,
    details: { line: 3 },
  });
  operations.nextReload = () => Promise.reject(original);
  await assert.rejects(client.reload(), (error) => {
    assert.ok(error instanceof UvsError);
    assert.deepEqual(error.toPlain(), original.toPlain());
    return true;
  });
});

test("an error that nobody foresaw is answered as INTERNAL and logged", async (t) => {
  const { path, operations, records } = await startControl(t);
  operations.nextReload = () => Promise.reject(new TypeError("oops"));
  const answer = await ask(path, "POST", "/v1/reload");
  assert.equal(answer.status, 500);
  assert.equal((answer.body as { error: UvsError }).error.code, "INTERNAL");
  assert.deepEqual(
    records.filter(({ level }) => level === "error"),
    [{ level: "error", message: "a control request failed" }] satisfies LogRecord[],
  );
});

const REFUSED: readonly [
  what: string,
  method: string,
  target: string,
  body: unknown,
  status: number,
  text: RegExp,
][] = [
  ["malformed JSON", "POST", "/v1/services", "{", 400, /JSON/],
  ["a body that is not UTF-8 JSON", "POST", "/v1/services", "\ud800{", 400, /JSON/],
  [
    "no body where one is needed",
    "POST",
    "/v1/services",
    undefined,
    400,
    /body: found nothing, accepted is an object/,
  ],
  ["a list as body", "POST", "/v1/services", [], 400, /body: found a list, accepted is an object/],
  ["a broken service key", "POST", "/v1/services", { key: "tcp://x:1" }, 400, /service: found "tcp:\/\/x:1"/],
  [
    "an unknown key",
    "POST",
    "/v1/services",
    { key: "tcp://10.0.0.9:80", settings: { sheduler: "rr" } },
    400,
    /settings: found the unknown key "sheduler", accepted is an object with the keys scheduler, /,
  ],
  [
    "a wrong value deep inside",
    "POST",
    "/v1/services",
    { key: "tcp://10.0.0.9:80", realservers: [{ address: "10.0.0.2", port: 80, weight: -1 }] },
    400,
    /realservers\[0\]\.weight: found -1, accepted is a whole number from 0 to 2147483647/,
  ],
  ["a polluting key", "PUT", WEB_PATH, '{"__proto__":{"scheduler":"rr"}}', 400, /unknown key "__proto__"/],
  ["one-packet scheduling of TCP", "PUT", WEB_PATH, { onePacket: true }, 400, /onePacket: found true/],
  [
    "an IPv6 prefix on an IPv4 service",
    "PUT",
    WEB_PATH,
    { persistence: { timeoutSec: 300, netmask: 64 } },
    400,
    /persistence\.netmask: found 64, accepted is a dotted IPv4 netmask/,
  ],
  ["a persistence of zero", "PUT", WEB_PATH, { persistence: { timeoutSec: 0 } }, 400, /from 1 to 2678400/],
  [
    "flags that do not exist",
    "PUT",
    WEB_PATH,
    { schedulerFlags: 1 },
    400,
    /schedulerFlags: found 1, accepted is a sum of/,
  ],
  [
    "crossed thresholds",
    "POST",
    `${WEB_PATH}/realservers`,
    { address: "10.0.0.2", port: 80, lowerThreshold: 1 },
    400,
    /upperThreshold/,
  ],
  [
    "an address with brackets",
    "POST",
    `${WEB_PATH}/realservers`,
    { address: "[::1]", port: 80 },
    400,
    /address: found "\[::1\]"/,
  ],
  [
    "a tunnel without the forwarding method",
    "POST",
    `${WEB_PATH}/realservers`,
    { address: "10.0.0.2", port: 80, tunnel: {} },
    400,
    /tunnel: found an object, accepted is nothing with forwarding route/,
  ],
  [
    "a gue tunnel without a port",
    "PUT",
    `${WEB_PATH}/realservers/10.0.0.2:80`,
    { forwarding: "tunnel", tunnel: { type: "gue" } },
    400,
    /tunnel\.port: found nothing, accepted is a port with type gue/,
  ],
  [
    "a broken realserver in the path",
    "DELETE",
    `${WEB_PATH}/realservers/10.0.0.2`,
    undefined,
    400,
    /realserver: found "10.0.0.2"/,
  ],
  ["a broken service in the path", "GET", "/v1/services/web", undefined, 400, /service: found "web"/],
  ["broken percent-encoding", "GET", "/v1/services/%E0%A4", undefined, 400, /percent-encoding/],
  ["a query", "GET", "/v1/status?x=1", undefined, 400, /no route takes a query/],
  [
    "a body where none is taken",
    "POST",
    "/v1/zero",
    { all: true },
    400,
    /found the unknown key "all", accepted is no body/,
  ],
  ["a negative time-out", "PUT", "/v1/timeouts", { tcpSec: -1 }, 400, /tcpSec: found -1/],
  ["a path that does not exist", "GET", "/v2/status", undefined, 404, /no such path: \/v2\/status/],
  ["an empty path", "GET", "/", undefined, 404, /no such path/],
];
for (const [what, method, target, body, status, text] of REFUSED) {
  test(`${what} is refused with ${status} and changes nothing`, async (t) => {
    const { path, operations } = await startControl(t);
    await operations.addService(service());
    const before = await operations.status();
    const answer = await ask(path, method, target, body);
    assert.equal(answer.status, status);
    assert.match((answer.body as { error: UvsError }).error.message, text);
    assert.deepEqual(await operations.status(), before);
  });
}

test("settings and realservers that are left out take the defaults of ipvsadm", async (t) => {
  const { path, operations } = await startControl(t);
  const posted = await ask(path, "POST", "/v1/services", {
    key: "tcp://10.0.0.1:80",
    settings: { persistence: { timeoutSec: 60 } },
    realservers: [{ address: "10.0.0.2", port: 80 }],
  });
  assert.deepEqual(posted, { status: 201, allow: undefined, body: undefined });
  const [added] = await operations.services();
  assert.deepEqual(added.settings, {
    ...DEFAULT_SETTINGS,
    persistence: { timeoutSec: 60, netmask: "255.255.255.255" },
  });
  const { weight, forwarding } = added.realservers[0];
  assert.deepEqual({ weight, forwarding }, { weight: 1, forwarding: "route" });
  assert.equal((await ask(path, "PUT", WEB_PATH, {})).status, 204);
  assert.deepEqual((await operations.services())[0].settings, DEFAULT_SETTINGS);
});

test("a method that a path does not have is answered 405 with those it has", async (t) => {
  const { path } = await startControl(t);
  const answer = await ask(path, "PATCH", WEB_PATH, {});
  assert.equal(answer.status, 405);
  assert.equal(answer.allow, "GET, PUT, DELETE");
});

test("a body over the bound is refused with 413 and not kept", async (t) => {
  const { path } = await startControl(t);
  const answer = await ask(path, "POST", "/v1/services", " ".repeat(1024 * 1024 + 1));
  assert.equal(answer.status, 413);
  assert.match(
    (answer.body as { error: UvsError }).error.message,
    /found 1048577 bytes, accepted are at most 1048576/,
  );
});

test("a deeply nested body is refused like any other that does not fit", async (t) => {
  const { path } = await startControl(t);
  const deep = "[".repeat(400_000) + "]".repeat(400_000);
  assert.equal((await ask(path, "POST", "/v1/services", deep)).status, 400);
});

test("headers over the bound are refused with 431", async (t) => {
  const { path } = await startControl(t);
  const { closed } = await speakRaw(
    path,
    `GET /v1/status HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(20_000)}\r\n\r\n`,
  );
  assert.match(await closed, /^HTTP\/1\.1 431 .*"code":"INVALID"/s);
});

test("what is not HTTP is refused with 400 and hung up", async (t) => {
  const { path } = await startControl(t);
  const { closed } = await speakRaw(path, Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 10, 13, 10]));
  assert.match(await closed, /^HTTP\/1\.1 400 .*not an HTTP request/s);
});

test("a client that sends its headers slowly blocks nobody and is cut off with 408", async (t) => {
  const { path } = await startControl(t, { headersMs: 300, requestMs: 300 });
  const slow = await speakRaw(path, "GET /v1/status HTTP/1.1\r\nhost: x\r\n");
  assert.equal((await ask(path, "GET", "/v1/status")).status, 200);
  assert.equal(slow.socket.destroyed, false);
  assert.match(await slow.closed, /^HTTP\/1\.1 408 .*did not arrive in time/s);
});

test("a client that sends its body slowly blocks nobody, is cut off, and changes nothing", async (t) => {
  const { path, operations } = await startControl(t, { headersMs: 300, requestMs: 300 });
  const head = "DELETE /v1/services HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
  await operations.addService(service());
  const slow = await speakRaw(path, head);
  assert.equal((await ask(path, "GET", "/v1/status")).status, 200);
  await slow.closed;
  assert.equal((await operations.services()).length, 1);
});

test("a client that connects and says nothing is cut off", async (t) => {
  const { path } = await startControl(t, { headersMs: 300, requestMs: 300 });
  const { closed } = await speakRaw(path, "");
  assert.match(await closed, /^HTTP\/1\.1 408 /);
});

test("a client that does not read its answer is cut off and blocks nobody", async (t) => {
  const { path, operations } = await startControl(t, { answerMs: 300 });
  const megabytes = 8;
  operations.nextReload = async () => ({ changes: ["x".repeat(megabytes * 1024 * 1024)] });
  const socket = connect(path).pause();
  socket.on("error", () => undefined);
  let received = 0;
  socket.write("POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
  const control = new ControlClient(path);
  t.after(() => control.close());
  assert.deepEqual(await control.services(), []);
  // Bytes between requests mean nothing but keep the connection from being idle; they fail once the server hangs up.
  await waitFor(() => {
    socket.write("\r\n");
    return socket.errored !== null;
  });
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  await waitFor(() => socket.closed);
  assert.ok(received < megabytes * 1024 * 1024, `received ${received} bytes`);
});

test("100 clients at once are all answered, and no edit is lost", async (t) => {
  const { path, operations } = await startControl(t);
  await operations.addService(service());
  const clients = Array.from({ length: 100 }, () => new ControlClient(path));
  t.after(() => {
    for (const client of clients) client.close();
  });
  const answers = await Promise.all(
    clients.map(async (client, i) => {
      await client.addRealserver(WEB, server(`10.0.1.${i}`));
      return client.services(WEB);
    }),
  );
  assert.equal(answers.length, 100);
  assert.equal((await operations.services())[0].realservers.length, 100);
});

test("an operation that takes its time holds up no other", async (t) => {
  const { path, operations } = await startControl(t);
  let finish = (): void => undefined;
  operations.nextReload = () => new Promise((resolve) => (finish = () => resolve({ changes: [] })));
  const client = new ControlClient(path);
  t.after(() => client.close());
  const reload = client.reload();
  await client.status();
  await client.addService(service());
  finish();
  assert.deepEqual(await reload, { changes: [] });
});

test("a connection over the bound is closed at once, and there is room again when others end", async (t) => {
  const { path, records } = await startControl(t, { connections: 2 });
  const first = await speakRaw(path, "");
  const second = await speakRaw(path, "");
  const client = new ControlClient(path);
  t.after(() => client.close());
  await assert.rejects(client.status(), withCode("UNAVAILABLE", /too many clients are connected/));
  assert.equal(records.filter(({ level }) => level === "warn").length, 1);
  first.socket.destroy();
  second.socket.destroy();
  await waitFor(async () => (await client.status().catch(() => undefined)) !== undefined);
});

test("until the director serves, requests are answered UNAVAILABLE and retryable", async (t) => {
  const path = join(await temporaryDirectory(t), "uvsd.sock");
  const control = newServer(path);
  await control.listen();
  t.after(() => control.stop(0));
  const answer = await ask(path, "GET", "/v1/status");
  assert.equal(answer.status, 503);
  assert.equal((answer.body as { error: UvsError }).error.retryable, true);
});

test("the socket has mode 0660 and its missing directory is made with 0755", async (t) => {
  const directory = join(await temporaryDirectory(t), "run", "uvs");
  const control = newServer(join(directory, "uvsd.sock"));
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal((await stat(join(directory, "uvsd.sock"))).mode & 0o777, 0o660);
  assert.equal((await stat(directory)).mode & 0o777, 0o755);
  assert.deepEqual(await readdir(directory), ["uvsd.sock"]);
});

test("the mode of the socket can be chosen", async (t) => {
  const path = join(await temporaryDirectory(t), "uvsd.sock");
  const control = new ControlServer({ path, mode: 0o600, logger: recordingLogger() });
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("a second director on the same socket is refused and the first goes on", async (t) => {
  const { path } = await startControl(t);
  await assert.rejects(newServer(path).listen(), withCode("ALREADY_RUNNING", /another director serves/));
  assert.equal((await ask(path, "GET", "/v1/status")).status, 200);
});

test("of directors that start at the same moment exactly one gets the socket", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "uvsd.sock");
  await leaveStaleSocket(path);
  const servers = Array.from({ length: 8 }, () => newServer(path));
  t.after(() => Promise.all(servers.map((control) => control.stop(0))));
  const results = await Promise.allSettled(servers.map((control) => control.listen()));
  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 7);
  for (const { reason } of refused) withCode("ALREADY_RUNNING")(reason);
  assert.deepEqual(await readdir(directory), ["uvsd.sock"]);
  assert.equal((await ask(path, "GET", "/v1/status")).status, 503);
});

test("the socket of a director that was killed is replaced, and its unfinished claims are removed", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "uvsd.sock");
  await leaveStaleSocket(path);
  await leaveStaleSocket(`${path}.0a1b2c`);
  await writeFile(`${path}.backup`, "not a claim");
  const control = newServer(path);
  await control.listen();
  t.after(() => control.stop(0));
  assert.equal((await ask(path, "GET", "/v1/status")).status, 503);
  assert.deepEqual((await readdir(directory)).sort(), ["uvsd.sock", "uvsd.sock.backup"]);
});

test("a file that is not a socket is never replaced", async (t) => {
  const path = join(await temporaryDirectory(t), "uvsd.sock");
  await writeFile(path, "precious");
  await assert.rejects(newServer(path).listen(), withCode("INVALID", /is not a socket/));
  assert.equal((await stat(path)).size, 8);
});

test("a path that is too long for a socket is refused with both lengths, by server and client", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "x".repeat(101 - directory.length - 1));
  await assert.rejects(
    newServer(path).listen(),
    withCode("INVALID", /is 101 bytes long, accepted are at most 100/),
  );
  const longest = newServer(path.slice(0, 100));
  await longest.listen();
  t.after(() => longest.stop(0));
  assert.throws(() => new ControlClient("/".repeat(108)), withCode("INVALID", /is 108 bytes long/));
});

test("a path under something that is no directory is refused with call and errno", async (t) => {
  const file = join(await temporaryDirectory(t), "file");
  await writeFile(file, "");
  await assert.rejects(newServer(join(file, "a.sock")).listen(), withCode("SYSCALL", /\((mkdir|lstat): E/));
});

test("stopping removes the socket file and lets a request that is being answered finish", async (t) => {
  const { path, server: control, operations } = await startControl(t);
  let started = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => (started = resolve));
  let finish = (): void => undefined;
  operations.nextReload = () => {
    started();
    return new Promise((resolve) => (finish = () => resolve({ changes: ["done"] })));
  };
  const client = new ControlClient(path);
  t.after(() => client.close());
  const reload = client.reload();
  await isAsked;
  const stopped = control.stop(60_000);
  await waitFor(() => !existsSync(path));
  finish();
  assert.deepEqual(await reload, { changes: ["done"] });
  await stopped;
});

test("stopping does not wait longer than its grace for an operation that hangs", async (t) => {
  const { path, server: control, operations } = await startControl(t);
  let started = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => (started = resolve));
  operations.nextReload = () => {
    started();
    return new Promise(() => undefined);
  };
  const client = new ControlClient(path);
  t.after(() => client.close());
  const refused = assert.rejects(client.reload(), withCode("UNAVAILABLE", /closed the connection/));
  await isAsked;
  await control.stop(10);
  await refused;
});

test("stopping leaves a socket alone that another director has put in its place", async (t) => {
  const { path, server: control } = await startControl(t);
  await unlink(path);
  const other = newServer(path);
  await other.listen();
  t.after(() => other.stop(0));
  await control.stop(0);
  assert.equal((await ask(path, "GET", "/v1/status")).status, 503);
});

test("without a director the client says which socket it tried and how to name another", async (t) => {
  const path = join(await temporaryDirectory(t), "uvsd.sock");
  await assert.rejects(new ControlClient(path).status(), (error) => {
    withCode("UNAVAILABLE")(error);
    const message = `no director answers on ${path} (ENOENT): is uvsd running? another socket is named by --socket or UVS_SOCKET`;
    assert.equal((error as UvsError).message, message);
    return true;
  });
  await leaveStaleSocket(path);
  await assert.rejects(
    new ControlClient(path).status(),
    withCode("UNAVAILABLE", /no director answers .*ECONNREFUSED/),
  );
});

test("a client is not misled by something else that listens on the socket", async (t) => {
  const path = join(await temporaryDirectory(t), "uvsd.sock");
  const stranger = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello"));
  });
  stranger.listen(path);
  await once(stranger, "listening");
  t.after(() => stranger.close());
  await assert.rejects(
    new ControlClient(path).status(),
    withCode("UNAVAILABLE", /does not speak the control protocol/),
  );
});

test("a user without the right to the socket is told about its group", {
  skip: process.getuid?.() !== 0 && "needs root",
}, async (t) => {
  const { path } = await startControl(t);
  // The directory of the test is made for its owner only; the right to pass it is what the user does have.
  await chmod(join(path, ".."), 0o755);
  const client = join(import.meta.dirname, "../../src/control/client.js");
  const script = `const { ControlClient } = await import(${JSON.stringify(client)});
    process.setgroups([]), process.setgid(65534), process.setuid(65534);
    await new ControlClient(${JSON.stringify(path)}).status().catch((error) => console.log(error.code, error.message));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.match(
    await outputOf(child),
    /^PERMISSION the control socket .* \(EACCES\): run as root or join the socket's group/,
  );
});

/** What a process leaves behind that is killed while it listens. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  await once(child, "close");
  return text;
}

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `not within 10 s: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
