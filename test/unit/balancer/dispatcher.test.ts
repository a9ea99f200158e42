import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatIp } from "../../../src/core/address.js";
import { Ending, Verdict } from "../../../src/core/dispatch.js";
import { BalancerBench, VIP } from "../../helpers/balancer-bench.js";

function targetText({ dispatcher: { target } }: BalancerBench): string {
  const [w0, w1, w2, w3] = target.address;
  return `${formatIp(target.family, w0, w1, w2, w3)} ${target.port}`;
}

describe("dispatcher", () => {
  test("the target is the realserver's address, and port 0 keeps the port that the client addressed", () => {
    const bench = new BalancerBench();
    bench.addService();
    bench.table.addServer(VIP, { ...bench.addServer("10.77.2.1").settings, address: "fd77:2::1", port: 0 });
    bench.dispatcher.request.destinationPort = 8081;
    bench.connect();
    const first = targetText(bench);
    bench.connect();
    assert.deepEqual([first, targetText(bench)].sort(), ["10.77.2.1 80", "fd77:2::1 8081"]);
  });

  test("without a realserver the verdict is NO_SERVER and nothing is counted", () => {
    const bench = new BalancerBench();
    const service = bench.addService();
    bench.addServer("10.77.2.1", { weight: 0 });
    assert.equal(bench.connect(), Verdict.NO_SERVER);
    assert.equal(bench.columns.services.connections[service], 0);
    assert.equal(bench.columns.services.scheduled[service], 0);
  });

  test("the sorry server is the target when no realserver is available", () => {
    const bench = new BalancerBench();
    const service = bench.addService("wlc", { sorry: { address: "127.0.0.1", port: 8080 } });
    const connection = bench.connect();
    assert.equal(typeof connection === "number" ? connection : connection.server, Verdict.SORRY);
    assert.equal(targetText(bench), "127.0.0.1 8080");
    bench.close(connection);
    assert.equal(bench.columns.services.connections[service], 0);
  });

  test("a service takes no more connections than its limit", () => {
    const bench = new BalancerBench();
    bench.addService("rr", { limits: { connections: 2, perSource: 0 } });
    bench.addServer("10.77.2.1");
    const first = bench.connect();
    bench.connect();
    assert.equal(bench.connect(), Verdict.SERVICE_LIMIT);
    bench.close(first);
    assert.notEqual(bench.connect(), Verdict.SERVICE_LIMIT);
  });

  test("a client address has no more connections than the limit per source, others go on", () => {
    const bench = new BalancerBench();
    bench.addService("rr", { limits: { connections: 0, perSource: 2 } });
    bench.addServer("10.77.2.1");
    const first = bench.connect("10.77.1.1");
    bench.connect("10.77.1.1");
    assert.equal(bench.connect("10.77.1.1"), Verdict.SOURCE_LIMIT);
    assert.equal(typeof bench.connect("10.77.1.2"), "object");
    bench.close(first);
    assert.equal(typeof bench.connect("10.77.1.1"), "object");
  });

  test("a deleted service answers NO_SERVICE", () => {
    const bench = new BalancerBench();
    const service = bench.addService();
    bench.addServer("10.77.2.1");
    bench.table.deleteService(VIP);
    assert.equal(bench.dispatch("10.77.1.1", service), Verdict.NO_SERVICE);
  });

  for (const scheduler of ["rr", "wlc", "sh", "dh", "mh", "fo", "lblc", "lblcr", "ovf", "twos"]) {
    test(`${scheduler}: a redispatched connection tries every other realserver once`, () => {
      const bench = new BalancerBench();
      const service = bench.addService(scheduler);
      const servers = ["10.77.2.1", "10.77.2.2", "10.77.2.3"].map((address) => bench.addServer(address));
      const tried = new Int32Array(8);
      tried[2] = bench.dispatch("10.77.1.1", service);
      tried[3] = bench.dispatcher.redispatch(service, tried, 2, 1);
      tried[4] = bench.dispatcher.redispatch(service, tried, 2, 2);
      assert.deepEqual([...tried.subarray(2, 5)].sort(), servers.map(({ slot }) => slot).sort());
      assert.deepEqual(
        servers.map((server) => bench.counts(server)).sort(),
        ["0/0", "0/0", "1/0"],
        "only the last one counts",
      );
      assert.equal(bench.dispatcher.redispatch(service, tried, 2, 3), Verdict.NO_SERVER);
      assert.equal(bench.columns.services.connections[service], 0);
      assert.equal(bench.columns.services.scheduled[service], 0);
    });
  }

  test("redispatch ends with the sorry server when the service's number of tries is used up", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr", { redispatch: 0, sorry: { address: "127.0.0.1", port: 8080 } });
    bench.addServer("10.77.2.1");
    bench.addServer("10.77.2.2");
    const tried = Int32Array.of(bench.dispatch("10.77.1.1", service));
    assert.equal(bench.dispatcher.redispatch(service, tried, 0, 1), Verdict.SORRY);
    assert.equal(targetText(bench), "127.0.0.1 8080");
  });

  test("a realserver gets a passive-failure mark when it has failed, not because another one is chosen", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr");
    const server = bench.addServer("10.77.2.1");
    const tried = Int32Array.of(bench.dispatch("10.77.1.1", service));
    bench.dispatcher.redispatch(service, tried, 0, 1);
    assert.equal(bench.columns.servers.failures[server.slot], 0);
    bench.dispatcher.failed(server.slot);
    assert.equal(bench.columns.servers.failures[server.slot], 1);
  });

  test("connections of a service that was made anew while they lived are counted where they belong", () => {
    const bench = new BalancerBench();
    const oldService = bench.addService();
    const server = bench.addServer("10.77.2.1");
    const connection = bench.connect();
    bench.table.deleteService(VIP);
    const newService = bench.addService();
    assert.notEqual(newService, oldService);
    assert.equal(bench.addServer("10.77.2.1").slot, server.slot, "the realserver came back from the trash");
    assert.equal(bench.counts(server), "1/0");
    bench.close(connection, Ending.FINISHED);
    assert.equal(bench.counts(server), "0/1");
    assert.equal(bench.columns.services.connections[oldService], 0);
  });
});
