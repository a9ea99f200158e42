/** Transparent on loopback, where answers come back by themselves: what needs no rules in the kernel. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectTo, echo, loopbackAddress, outcome, ping, startRealserver } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";

const SKIP = process.getuid?.() === 0 ? false : "IP_TRANSPARENT needs root";

/** A PATH with no programs: nothing of this host's kernel is changed by these tests. */
const NO_PROGRAMS = { PATH: "/nonexistent" };

describe("a transparent service on a host without nft and ip", { skip: SKIP }, () => {
  test("says the exact command that cannot be run, and connects from clients' addresses nevertheless", async (t) => {
    const realserver = await startRealserver(echo, loopbackAddress());
    t.after(realserver.close);
    const address = loopbackAddress();
    const config = `threads: 1
services: [{ listen: "tcp://${address}:8080", transparent: true, realservers: ["${realserver.address}:${realserver.port}"] }]`;
    const uvsd = await Uvsd.start(t, { config, env: NO_PROGRAMS });
    assert.match(
      uvsd.output,
      /"ip -4 rule add fwmark 0x\w+ lookup \d+ priority 30000\W* cannot be run \(spawn ip ENOENT\): install iproute2; answers to transparent connections do not come back/,
    );
    const own = loopbackAddress();
    // The first one's port is taken by its own socket; the second one's would be shared (SO_REUSEADDR), and now it is.
    for (const localAddress of [undefined, own]) {
      const client = await connectTo({ address, port: 8080 }, localAddress);
      await ping(client, "hello");
      const { remoteAddress, remotePort } = await realserver.next();
      assert.equal(remoteAddress, client.localAddress);
      assert.equal(remotePort === client.localPort, localAddress === own);
      client.end();
      assert.equal(await outcome(client), "end");
    }
    const { forwarders } = await uvsd.client.status();
    assert.equal(forwarders[0].events["clientPortTaken"], 1);
    const { findings } = await uvsd.client.doctor();
    const failed = findings.filter(({ state }) => state === "fail").map(({ subject }) => subject);
    assert.deepEqual(failed.slice(0, 3), ["nft", "ip", "rules"]);
    assert.equal(await uvsd.stop(), 0);
  });

  test("with the data plane net the director refuses to start, and says what the service needs", async (t) => {
    const config = `dataplane: net\nservices: [{ listen: "tcp://${loopbackAddress()}:8080", transparent: true }]`;
    const uvsd = await Uvsd.launch(t, { config, env: NO_PROGRAMS });
    assert.equal(await uvsd.exited(), 1);
    assert.match(
      uvsd.output,
      /services\[0\]\.transparent: found true, accepted is false with dataplane: net/,
    );
  });
});
