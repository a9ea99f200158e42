import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { loadConfig, parseConfig } from "../../../../src/config/load.js";
import { ExitCode } from "../../../../src/control/cli/command.js";
import { SCHEDULER_NAMES } from "../../../../src/schedulers/registry.js";
import { realserver, service, WEB } from "../../../helpers/control-fixture.js";
import { InMemoryOperations } from "../../../helpers/in-memory-operations.js";
import { uvs } from "../../../helpers/run-uvs.js";
import { temporaryDirectory } from "../../../helpers/temporary-folder.js";
import { configs } from "../../config/arbitraries.js";

async function fileWith(t: TestContext, text: string): Promise<string> {
  const file = join(temporaryDirectory(t), "uvs.yaml");
  writeFileSync(file, text);
  return file;
}

test("config dump prints the running state as a file that gives the same state", async (t) => {
  const operations = new InMemoryOperations();
  await operations.addService(
    service({ realservers: [{ ...realserver("10.0.0.2"), forwarding: "masq", weight: 3 }] }),
  );
  await operations.setTimeouts({ tcpSec: 60, tcpFinSec: 0, udpSec: 0 });
  await operations.setSysctl("expire_nodest_conn", 1);
  const { exit, out } = await uvs(["config", "dump"], operations);
  assert.equal(
    out,
    `services:
  - listen: tcp://10.0.0.1:80
    realservers:
      - address: 10.0.0.2:80
        weight: 3
timeouts:
  tcp: 60s
sysctls:
  expire_nodest_conn: 1
`,
  );
  assert.equal(exit, ExitCode.OK);
  const file = await fileWith(t, out);
  assert.deepEqual(loadConfig(file, { schedulers: SCHEDULER_NAMES }), await operations.runningConfig());
  assert.deepEqual(await uvs(["diff", file], operations), {
    exit: ExitCode.OK,
    out: "no differences\n",
    err: "",
    sockets: ["/run/uvs/uvsd.sock"],
  });
});

test("any state survives dump, printing, loading and dump again", async () => {
  await fc.assert(
    fc.asyncProperty(configs, async (config) => {
      const operations = new InMemoryOperations();
      operations.runningConfig = async () => config;
      const { out } = await uvs(["config", "dump"], operations);
      const read = parseConfig(out, "dump.yaml", { schedulers: SCHEDULER_NAMES });
      assert.deepEqual(read, config);
      operations.runningConfig = async () => read;
      assert.equal((await uvs(["config", "dump"], operations)).out, out);
    }),
    { numRuns: 50 },
  );
});

test("config dump --json prints every value", async () => {
  const operations = new InMemoryOperations();
  const { out } = await uvs(["config", "dump", "--json"], operations);
  assert.deepEqual(JSON.parse(out), await operations.runningConfig());
});

test("diff prints what would make the running state what the file says, exits 3, and changes nothing", async (t) => {
  const operations = new InMemoryOperations();
  await operations.addService(service({ realservers: [realserver("10.0.0.2")] }));
  const before = await operations.runningConfig();
  const file = await fileWith(
    t,
    'services: [{ listen: "tcp://10.0.0.1:80", realservers: [10.0.0.3] }]\nsysctls: { run_estimation: 0 }\n',
  );
  const { exit, out } = await uvs(["diff", file], operations);
  assert.equal(
    out,
    `tcp://10.0.0.1:80: realserver 10.0.0.3:80 added
tcp://10.0.0.1:80: realserver 10.0.0.2:80 deleted
sysctls.run_estimation: 0
`,
  );
  assert.equal(exit, ExitCode.DIFFERENT);
  const json = await uvs(["diff", file, "--json"], operations);
  assert.deepEqual(JSON.parse(json.out), { changes: out.trimEnd().split("\n") });
  assert.deepEqual(await operations.runningConfig(), before);
});

test("diff with a file that has errors tells them all and exits 1", async (t) => {
  const file = await fileWith(t, "services: 1\nthreads: none\n");
  const { exit, err } = await uvs(["diff", file]);
  assert.match(err, /uvs\.yaml:1:11: services: .*\n.*uvs\.yaml:2:10: threads: /);
  assert.equal(exit, ExitCode.FAILED);
});

test("sysctl shows all knobs, shows one, sets one", async () => {
  const operations = new InMemoryOperations();
  const all = await uvs(["sysctl"], operations);
  assert.match(all.out, /^expire_nodest_conn = 0\nexpire_quiescent_template = 0\n/);
  assert.equal((await uvs(["sysctl", "run_estimation"], operations)).out, "run_estimation = 1\n");
  const set = await uvs(["sysctl", "net.ipv4.vs.expire_nodest_conn=1"], operations);
  assert.equal(set.out, "expire_nodest_conn = 1\n");
  assert.equal((await operations.sysctls()).expire_nodest_conn, 1);
  const json = await uvs(["sysctl", "--json"], operations);
  assert.deepEqual(JSON.parse(json.out), await operations.sysctls());
});

for (const [args, exit, text] of [
  [
    ["sysctl", "drop_entry"],
    ExitCode.USAGE,
    /^uvs: there is no sysctl "drop_entry"; there are expire_nodest_conn, /,
  ],
  [
    ["sysctl", "run_estimation=on"],
    ExitCode.USAGE,
    /^uvs: run_estimation: found "on", accepted is a whole number\n/,
  ],
  [
    ["sysctl", "run_estimation=2"],
    ExitCode.FAILED,
    /^uvs: run_estimation: found 2, accepted is .* from 0 to 1\n/,
  ],
  [["config", "load"], ExitCode.USAGE, /^uvs: config "load": accepted is config dump\n/],
  [["completion", "fish"], ExitCode.USAGE, /^uvs: completion "fish": accepted is bash or zsh\n/],
] as const) {
  test(`${args.join(" ")} ends with ${exit}`, async () => {
    const result = await uvs(args);
    assert.match(result.err, text);
    assert.equal(result.exit, exit);
  });
}

test("a realserver that is drained is dumped as quiesced", async () => {
  const operations = new InMemoryOperations();
  await operations.addService(service({ realservers: [realserver("10.0.0.2")] }));
  await operations.drain(WEB, { address: "10.0.0.2", port: 80 });
  assert.match((await uvs(["config", "dump"], operations)).out, /weight: 0/);
});
