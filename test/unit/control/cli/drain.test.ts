import assert from "node:assert/strict";
import { test } from "node:test";
import { ExitCode } from "../../../../src/control/cli/command.js";
import { realserver, service, WEB } from "../../../helpers/control-fixture.js";
import { InMemoryOperations } from "../../../helpers/in-memory-operations.js";
import { liveConnection } from "../../../helpers/live-connection.js";
import { uvs } from "../../../helpers/run-uvs.js";

const SERVER = { address: "10.0.0.2", port: 80 };
const NAME = "tcp://10.0.0.1:80 realserver 10.0.0.2:80";

async function busy(connections: number): Promise<InMemoryOperations> {
  const operations = new InMemoryOperations();
  await operations.addService(service({ realservers: [{ ...realserver("10.0.0.2"), weight: 3 }] }));
  operations.live = Array.from({ length: connections }, (_, i) =>
    liveConnection({ client: { address: "192.0.2.1", port: 1000 + i }, realserver: SERVER }),
  );
  return operations;
}

test("drain quiesces the realserver, and tells what is left and when it is closed", async () => {
  const operations = await busy(2);
  const { exit, out, err } = await uvs(
    ["drain", "tcp://10.0.0.1:80", "10.0.0.2:80", "--deadline", "5m"],
    operations,
  );
  // The director in memory began at 00:00:00, and this command runs a minute later.
  assert.equal(out, `${NAME}: 2 connections left, closed in 4m 0s\n`);
  assert.deepEqual({ exit, err }, { exit: ExitCode.OK, err: "" });
  const [{ realservers }] = await operations.services(WEB);
  assert.equal(realservers[0].weight, 0);
  assert.deepEqual(realservers[0].drain, {
    since: "2026-01-01T00:00:00.000Z",
    deadline: "2026-01-01T00:05:00.000Z",
    weight: 3,
  });
});

test("drain --wait tells each change and returns when nothing is left", async () => {
  const operations = await busy(3);
  const leftAfter = [3, 1, 0];
  const waits: number[] = [];
  const { exit, out } = await uvs(
    ["drain", "10.0.0.1:80", "10.0.0.2:80", "--wait"],
    operations,
    {},
    async (ms) => {
      waits.push(ms);
      operations.live = operations.live.slice(0, leftAfter.shift());
    },
  );
  assert.equal(out, `${NAME}: 3 connections left\n${NAME}: 1 connection left\n${NAME}: drained\n`);
  assert.deepEqual({ exit, waits }, { exit: ExitCode.OK, waits: [1000, 1000, 1000] });
});

test("drain --wait fails when somebody undrains meanwhile", async () => {
  const operations = await busy(2);
  const { exit, err } = await uvs(["drain", "10.0.0.1:80", "10.0.0.2", "--wait"], operations, {}, () =>
    operations.undrain(WEB, SERVER),
  );
  assert.equal(err, `uvs: ${NAME} is being drained no longer; 2 connections left\n`);
  assert.equal(exit, ExitCode.FAILED);
});

test("undrain gives the weight back, and is refused where nothing is drained", async () => {
  const operations = await busy(0);
  await uvs(["drain", "10.0.0.1:80", "10.0.0.2"], operations);
  const undrained = await uvs(["undrain", "10.0.0.1:80", "10.0.0.2"], operations);
  assert.deepEqual(undrained.out, `${NAME}: weight 3\n`);
  const again = await uvs(["undrain", "10.0.0.1:80", "10.0.0.2"], operations);
  assert.deepEqual(
    { exit: again.exit, err: again.err },
    { exit: ExitCode.FAILED, err: "uvs: realserver 10.0.0.2:80 is not being drained\n" },
  );
});

for (const [args, text] of [
  [["drain", "10.0.0.1:80"], /^uvs: an argument is missing\nusage: uvs drain SERVICE REALSERVER/],
  [
    ["drain", "www.example.com:80", "10.0.0.2:80"],
    /^uvs: SERVICE: found "tcp:\/\/www\.example\.com:80" .*host name/,
  ],
  [["drain", "10.0.0.1:80", "10.0.0:80"], /^uvs: REALSERVER: found "10\.0\.0:80" .*not an IP address/],
  [
    ["drain", "10.0.0.1:80", "10.0.0.2:80", "--deadline", "soon"],
    /^uvs: --deadline: found "soon", accepted is a duration/,
  ],
] as const) {
  test(`${args.join(" ")} is wrong usage`, async () => {
    const operations = await busy(1);
    const { exit, err } = await uvs(args, operations);
    assert.match(err, text);
    assert.equal(exit, ExitCode.USAGE);
    assert.equal((await operations.services(WEB))[0].realservers[0].weight, 3);
  });
}
