import assert from "node:assert/strict";
import { test } from "node:test";
import { ExitCode } from "../../../../src/control/cli/command.js";
import { realserver, service } from "../../../helpers/control-fixture.js";
import { InMemoryOperations } from "../../../helpers/in-memory-operations.js";
import { liveConnection } from "../../../helpers/live-connection.js";
import { uvs } from "../../../helpers/run-uvs.js";

async function busy(): Promise<InMemoryOperations> {
  const operations = new InMemoryOperations();
  await operations.addService(service({ realservers: [realserver("10.0.0.2"), realserver("fd77::1")] }));
  operations.live = [
    liveConnection(),
    liveConnection({
      client: { address: "2001:db8::7", port: 40001 },
      realserver: { address: "fd77::1", port: 80 },
      state: "CLOSE_WAIT",
      generation: 2,
    }),
    liveConnection({ client: { address: "192.0.2.1", port: 40002 }, realserver: undefined }),
  ];
  return operations;
}

test("conns lists connections in aligned columns", async () => {
  const { exit, out } = await uvs(["conns"], await busy());
  assert.equal(
    out,
    `Service            Client               Realserver    State        Age  Expires     In       Out  Forwarder
tcp://10.0.0.1:80  192.0.2.1:40000      10.0.0.2:80   ESTABLISHED  12s  14m 50s  512 B  70.0 KiB          1
tcp://10.0.0.1:80  [2001:db8::7]:40001  [fd77::1]:80  CLOSE_WAIT   12s  14m 50s  512 B  70.0 KiB          2
tcp://10.0.0.1:80  192.0.2.1:40002      sorry server  ESTABLISHED  12s  14m 50s  512 B  70.0 KiB          1
`,
  );
  assert.equal(exit, ExitCode.OK);
});

test("conns says where there are none", async () => {
  assert.equal((await uvs(["conns"])).out, "no connections\n");
});

for (const [args, clients] of [
  [
    ["--service", "10.0.0.1:http"],
    [40000, 40001, 40002],
  ],
  [["--service", "tcp://10.0.0.1:80", "--realserver", "[fd77::1]:80"], [40001]],
  [["--service", "10.0.0.1:80", "--realserver", "fd77::1"], [40001]],
  [["--client", "2001:DB8:0::7"], [40001]],
  [
    ["--client", "192.0.2.1"],
    [40000, 40002],
  ],
  [["--client", "192.0.2.1", "--service", "10.0.0.1:80", "--realserver", "10.0.0.2"], [40000]],
] as const) {
  test(`conns ${args.join(" ")} --json lists the connections that agree with all filters`, async () => {
    const { out } = await uvs(["conns", ...args, "--json"], await busy());
    const { connections } = JSON.parse(out) as { connections: { client: { port: number } }[] };
    assert.deepEqual(
      connections.map(({ client }) => client.port),
      clients,
    );
  });
}

test("kill resets the connections that agree with the filters", async () => {
  const operations = await busy();
  assert.equal((await uvs(["kill", "--client", "192.0.2.1"], operations)).out, "2 connections killed\n");
  assert.equal(operations.live.length, 1);
  assert.equal((await uvs(["kill", "--all"], operations)).out, "1 connection killed\n");
});

for (const [args, text] of [
  [["kill"], "uvs: which connections? a filter, or --all\n"],
  [["kill", "--all", "--client", "192.0.2.1"], "uvs: --all stands without a filter\n"],
  [["kill", "--client", "somebody"], 'uvs: --client: found "somebody", accepted is an IP address\n'],
  [
    ["conns", "--realserver", "10.0.0.2:80"],
    "uvs: --realserver needs --service: a realserver belongs to a service\n",
  ],
] as const) {
  test(`${args.join(" ")} is wrong usage and kills nothing`, async () => {
    const operations = await busy();
    const { exit, err } = await uvs(args, operations);
    assert.deepEqual({ exit, err }, { exit: ExitCode.USAGE, err: text });
    assert.equal(operations.live.length, 3);
  });
}

test("a filter by a service that there is not is refused", async () => {
  const { exit, err } = await uvs(["conns", "--service", "10.0.0.9:80"], await busy());
  assert.deepEqual(
    { exit, err },
    { exit: ExitCode.FAILED, err: "uvs: there is no service tcp://10.0.0.9:80\n" },
  );
});
