/** Real servers and their own load programs through a VIP: no request fails, and weights show to the request. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { chmod, chown } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { yamlList } from "../helpers/named-realserver.js";
import {
  findProgram,
  freePort,
  run,
  type ServerCommand,
  skipWithout,
  startServer,
} from "../helpers/real-server.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { Uvsd } from "../helpers/uvsd.js";

const PORT = 8080;
const LOAD_DEADLINE_MS = 60_000;
const DATABASE_USER = "postgres";

/** Runs a load program to its end. @returns what it printed @throws Error with that where it fails */
async function load(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(findProgram(program)!, args, {
    timeout: LOAD_DEADLINE_MS,
  });
  return stdout + stderr;
}

/** A folder of this test that `user` owns. */
async function folderFor(t: TestContext, user?: string): Promise<string> {
  const folder = temporaryDirectory(t);
  await chmod(folder, 0o755);
  if (user !== undefined && process.getuid?.() === 0) {
    const { stdout } = await promisify(execFile)("id", ["-u", user]);
    await chown(folder, Number(stdout), 0);
  }
  return folder;
}

/** Starts a server that ends with the test. @returns its port */
async function serve(t: TestContext, commandOf: (port: number) => ServerCommand): Promise<number> {
  const port = await freePort();
  const server = await startServer(commandOf(port), port);
  t.after(() => server.stop());
  return port;
}

async function startPostgres(t: TestContext): Promise<number> {
  const data = join(await folderFor(t, DATABASE_USER), "data");
  const user = DATABASE_USER;
  run("initdb", ["-D", data, "-U", user, "--auth=trust", "--no-sync"], { user });
  return serve(t, (port) => ({
    program: "postgres",
    args: [
      ...["-D", data, "-p", `${port}`, "-h", "127.0.0.1", "-c", "unix_socket_directories="],
      ...["-c", "fsync=off", "-c", "max_connections=60"],
    ],
    ready: /ready to accept connections/,
    user,
  }));
}

async function startRedis(t: TestContext): Promise<number> {
  const folder = await folderFor(t);
  return serve(t, (port) => ({
    program: "redis-server",
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder],
  }));
}

async function startNginx(t: TestContext, name: string): Promise<number> {
  const folder = await folderFor(t);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(" ");
  mkdirSync(join(folder, "root"));
  return serve(t, (port) => {
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
       ${process.getuid?.() === 0 ? "user root;" : ""}
       events {}
       http { access_log off; ${paths} server { listen 127.0.0.1:${port}; return 200 "${name}\\n"; } }`,
    );
    return { program: "nginx", args: ["-c", join(folder, "nginx.conf"), "-e", "stderr"] };
  });
}

for (const dataplane of ["native", "net"]) {
  describe(`real servers behind the ${dataplane} plane`, () => {
    const start = (t: TestContext, vip: string, service: string): Promise<Uvsd> =>
      Uvsd.start(t, {
        config: `dataplane: ${dataplane}
services: [ { listen: "tcp://${vip}:${PORT}", ${service} } ]
`,
      });
    const onLoopback = (ports: readonly number[]): string =>
      yamlList(ports.map((port) => ({ address: "127.0.0.1", port })));

    test("pgbench has no failed transaction, on connections that stay and on new ones", {
      skip: skipWithout(["initdb", "postgres", "pgbench"]),
    }, async (t) => {
      const vip = loopbackAddress();
      await start(t, vip, `realservers: ${onLoopback([await startPostgres(t)])}`);
      const target = ["-h", vip, "-p", `${PORT}`, "-U", DATABASE_USER, "postgres"];
      await load("pgbench", ["-i", "-s", "1", "-q", ...target]);
      for (const [how, options] of [
        ["connections that stay", ["-c", "20", "-j", "2", "-t", "200"]],
        ["a connection for each transaction", ["-C", "-c", "10", "-j", "2", "-t", "20"]],
      ] as const) {
        const output = await load("pgbench", ["-n", ...options, ...target]);
        const [clients, transactions] = [options, options].map((all, i) =>
          Number(all[all.indexOf(i ? "-t" : "-c") + 1]),
        );
        const expected = clients * transactions;
        assert.match(output, new RegExp(`transactions actually processed: ${expected}/${expected}`), how);
        assert.match(output, /number of failed transactions: 0 \(0\.000%\)/, how);
        assert.doesNotMatch(output, /error|abort/i, how);
      }
    });

    test("redis-benchmark ends without an error, single and pipelined", {
      skip: skipWithout(["redis-server", "redis-benchmark"]),
    }, async (t) => {
      const vip = loopbackAddress();
      const uvsd = await start(t, vip, `realservers: ${onLoopback([await startRedis(t)])}`);
      const target = ["-h", vip, "-p", `${PORT}`, "-q", "-t", "set,get,lpush,lrange_100"];
      for (const options of [
        ["-c", "50", "-n", "4000"],
        ["-c", "50", "-n", "4000", "-P", "16", "-d", "1000"],
        ["-c", "20", "-n", "1000", "-k", "0"],
      ]) {
        const output = await load("redis-benchmark", [...target, ...options]);
        assert.match(output, /GET: .* requests per second/);
        assert.doesNotMatch(output, /error|refused|reset/i);
      }
      const [{ events }] = (await uvsd.client.status()).forwarders;
      assert.deepEqual([events["realserverReset"], events["noServer"]], [0, 0]);
    });

    test("curl round the VIP shows the weights of wrr: 3, 2 and 1 of every six", {
      skip: skipWithout(["nginx", "curl"]),
    }, async (t) => {
      const names = ["three", "two", "one"];
      const ports = await Promise.all(names.map((name) => startNginx(t, name)));
      const vip = loopbackAddress();
      const list = ports.map((port, i) => `{ address: "127.0.0.1:${port}", weight: ${3 - i} }`);
      await start(t, vip, `scheduler: wrr, realservers: [ ${list} ]`);
      const answers: string[] = [];
      for (let i = 0; i < 24; i++)
        answers.push((await load("curl", ["-sS", `http://${vip}:${PORT}/`])).trim());
      for (let from = 0; from < answers.length; from += 6) {
        const turn = answers.slice(from, from + 6).sort();
        assert.deepEqual(turn, ["one", "three", "three", "three", "two", "two"], `from request ${from}`);
      }
    });
  });
}
