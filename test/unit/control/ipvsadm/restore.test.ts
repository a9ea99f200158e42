import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunResult, runIpvsadm } from "../../../../src/control/ipvsadm/run.js";
import { UvsError } from "../../../../src/core/errors.js";
import { DEFAULT_SETTINGS } from "../../../../src/core/model.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";
import type { InMemoryOperations } from "../../../helpers/in-memory-operations.js";
import { IpvsKernelTwin } from "../../../helpers/ipvs-kernel-twin.js";

const WEB = { protocol: "tcp", address: "10.77.0.100", port: 80 } as const;

function run(line: string, operations: InMemoryOperations, stdin = ""): Promise<RunResult> {
  return runIpvsadm(line.split(" "), stdin, operations, GOLDEN_NAMES);
}

async function saved(operations: InMemoryOperations): Promise<string> {
  return (await run("-S -n", operations)).stdout;
}

test("an atomic restore makes all changes", async () => {
  const twin = new IpvsKernelTwin();
  const rules = "-A -t 10.77.0.100:80 -s rr\n-a -t 10.77.0.100:80 -r 10.77.2.1:80 -m -w 3\n";
  assert.deepEqual(await run("-R --atomic", twin, rules), { exit: 0, stdout: "", stderr: "" });
  assert.equal(await saved(twin), rules);
});

test("an atomic restore with lines that cannot be parsed names them all and changes nothing", async () => {
  const twin = new IpvsKernelTwin();
  const rules = "-A -t 10.77.0.100:80\n\n-A -t x:80\n# comment\n-L -n\n-A -t 10.77.0.101:80 -Q\n";
  const result = await run("-R --atomic", twin, rules);
  assert.equal(result.exit, 2);
  assert.equal(
    result.stderr,
    [
      "line 3: illegal virtual server address[:port] specified",
      "line 4: Try `ipvsadm -h' or 'ipvsadm --help' for more information.",
      "line 5: -L changes nothing that can be part of an atomic restore",
      "line 6: -Q: unknown option",
      "",
    ].join("\n"),
  );
  assert.equal(await saved(twin), "");
});

test("an atomic restore that the director refuses names the lines and leaves everything as it was", async () => {
  const twin = new IpvsKernelTwin();
  await run("-A -t 10.77.0.100:80 -s rr", twin);
  await run("-a -t 10.77.0.100:80 -r 10.77.2.1:80 -m", twin);
  const before = await saved(twin);
  const rules =
    "-C\n-A -t 10.77.0.101:80\n-A -u 10.77.0.101:53 -s nosuch\n-d -t 10.77.0.101:80 -r 10.77.2.1:80\n";
  assert.deepEqual(await run("-R --atomic", twin, rules), {
    exit: 255,
    stdout: "",
    stderr: "line 3: Scheduler or persistence engine not found\nline 4: No such destination\n",
  });
  assert.equal(await saved(twin), before);
});

test("an edit keeps what only uvs knows of a service, and resets the rest", async () => {
  const twin = new IpvsKernelTwin();
  const sorry = { address: "127.0.0.1", port: 8080 };
  const limits = { connections: 10, perSource: 2 };
  const persistence = { timeoutSec: 60, netmask: "255.255.255.255" };
  const settings = { ...DEFAULT_SETTINGS, sorry, limits, persistence, redispatch: 0 };
  await twin.addService({ id: WEB, settings, realservers: [] });
  assert.equal((await run("-E -t 10.77.0.100:80 -s rr", twin)).exit, 0);
  const [service] = await twin.services(WEB);
  assert.equal(service.settings.scheduler, "rr");
  assert.equal(service.settings.persistence, undefined);
  assert.deepEqual(service.settings.sorry, sorry);
  assert.deepEqual(service.settings.limits, limits);
  assert.equal(service.settings.redispatch, 0);
});

test("an atomic edit of a service that the same restore has made anew keeps nothing of the old one", async () => {
  const twin = new IpvsKernelTwin();
  const sorry = { address: "127.0.0.1", port: 8080 };
  await twin.addService({ id: WEB, settings: { ...DEFAULT_SETTINGS, sorry }, realservers: [] });
  await run("-R --atomic", twin, "-E -t 10.77.0.100:80 -s lc\n");
  assert.deepEqual((await twin.services(WEB))[0].settings.sorry, sorry);
  await run("-R --atomic", twin, "-C\n-A -t 10.77.0.100:80\n-E -t 10.77.0.100:80 -s rr\n");
  const [service] = await twin.services(WEB);
  assert.equal(service.settings.scheduler, "rr");
  assert.equal(service.settings.sorry, undefined);
});

test("help ends a restore, and so does a listing that is refused", async () => {
  const twin = new IpvsKernelTwin();
  const helped = await run("-R", twin, "-v\n-A -t 10.77.0.100:80\n");
  assert.equal(helped.exit, 0);
  const refused = await run("-R", twin, "-L -t 10.77.0.99:80\n-A -t 10.77.0.100:80\n");
  assert.deepEqual(refused, { exit: 1, stdout: "", stderr: "No such service\n" });
  assert.equal(await saved(twin), "");
});

test("standard input is read only for a restore", async () => {
  const twin = new IpvsKernelTwin();
  const read = (): Promise<string> => assert.fail("was read");
  assert.equal((await runIpvsadm(["-S"], read, twin, GOLDEN_NAMES)).exit, 0);
  await assert.rejects(runIpvsadm(["-R"], read, twin, GOLDEN_NAMES), /was read/);
});

test("a director that does not answer is told as ipvsadm tells a kernel without IPVS: status 2", async () => {
  const twin = new IpvsKernelTwin();
  twin.services = async () => {
    throw new UvsError("UNAVAILABLE", "no director answers on /run/uvs/uvsd.sock (ENOENT)");
  };
  assert.deepEqual(await run("-L -n", twin), {
    exit: 2,
    stdout: "",
    stderr: "Can't initialize ipvs: no director answers on /run/uvs/uvsd.sock (ENOENT)\n",
  });
});

test("what ipvsadm has no words for is told in the director's", async () => {
  const twin = new IpvsKernelTwin();
  twin.addService = async () => {
    throw new UvsError("ADDRESS_IN_USE", "tcp://10.77.0.100:80: another socket listens there");
  };
  assert.deepEqual(await run("-A -t 10.77.0.100:80", twin), {
    exit: 255,
    stdout: "",
    stderr: "tcp://10.77.0.100:80: another socket listens there\n",
  });
});
