import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UvsError } from "../../../src/core/errors.js";
import { DEFAULT_SETTINGS } from "../../../src/core/model.js";
import { BalancerBench, VIP } from "../../helpers/balancer-bench.js";

const OTHER = { protocol: "tcp", address: "10.77.0.101", port: 80 } as const;

describe("service table", () => {
  test("a realserver that was added later stands in front, one that comes back too", () => {
    const bench = new BalancerBench();
    const order = () => [...bench.table.serversInOrder(bench.table.service(VIP))].map(({ key }) => key);
    bench.addService();
    const first = bench.addServer("10.77.2.1");
    bench.addServer("10.77.2.2");
    bench.addServer("10.77.2.3");
    assert.deepEqual(order(), ["10.77.2.3:80", "10.77.2.2:80", "10.77.2.1:80"]);
    bench.table.deleteServer(VIP, first.settings);
    bench.addServer("10.77.2.1");
    assert.deepEqual(order(), ["10.77.2.1:80", "10.77.2.3:80", "10.77.2.2:80"]);
  });

  test("a realserver that comes back soon has its counts again", () => {
    const bench = new BalancerBench();
    bench.addService();
    const server = bench.addServer("10.77.2.1");
    bench.connect();
    bench.table.deleteServer(VIP, server.settings);
    assert.equal(bench.counts(bench.addServer("10.77.2.1")), "1/0");
  });

  test("a deleted realserver's slot is free 120 seconds after its last connection, not earlier", () => {
    const bench = new BalancerBench(undefined, { services: 2, servers: 2 });
    bench.addService();
    const server = bench.addServer("10.77.2.1");
    bench.addServer("10.77.2.2");
    const connection = bench.connect();
    bench.table.deleteServer(VIP, server.settings);
    bench.table.deleteServer(VIP, { address: "10.77.2.2", port: 80 });
    bench.passSeconds(1);
    bench.passSeconds(150);
    assert.equal(
      bench.table.serverAt(server.slot) === undefined,
      typeof connection === "object" && connection.server !== server.slot,
    );
    bench.close(connection);
    for (let i = 0; i < 250; i++) bench.passSeconds(1);
    assert.equal(bench.table.serverAt(server.slot), undefined);
  });

  test("when all slots are taken, idle deleted realservers make room", () => {
    const bench = new BalancerBench(undefined, { services: 2, servers: 1 });
    bench.addService();
    const server = bench.addServer("10.77.2.1");
    bench.table.deleteServer(VIP, server.settings);
    assert.equal(bench.addServer("10.77.2.2").slot, server.slot);
    assert.throws(
      () => bench.addServer("10.77.2.3"),
      (error) => error instanceof UvsError && error.code === "TOO_MANY",
    );
  });

  test("a deleted service's slot is free when its last connection has ended", () => {
    const bench = new BalancerBench(undefined, { services: 1, servers: 4 });
    bench.addService();
    bench.addServer("10.77.2.1");
    const connection = bench.connect();
    bench.table.deleteService(VIP);
    bench.passSeconds(1);
    assert.throws(() => bench.addService("rr", {}, OTHER), /no more than 1 virtual services/);
    bench.close(connection);
    bench.passSeconds(1);
    assert.equal(bench.addService("rr", {}, OTHER), 0);
  });

  test("an edit with the same scheduler keeps the round, with another one starts afresh", () => {
    const bench = new BalancerBench();
    bench.addService("rr");
    for (const address of ["10.77.2.1", "10.77.2.2", "10.77.2.3"]) bench.addServer(address);
    const next = () => bench.nameOf(bench.connect());
    assert.equal(next(), "10.77.2.3");
    bench.table.editService(VIP, { ...DEFAULT_SETTINGS, scheduler: "rr", redispatch: 1 });
    assert.equal(next(), "10.77.2.2");
    bench.table.editService(VIP, { ...DEFAULT_SETTINGS, scheduler: "wrr" });
    bench.table.editService(VIP, { ...DEFAULT_SETTINGS, scheduler: "rr" });
    assert.equal(next(), "10.77.2.3");
  });

  test("an unknown scheduler is refused with the list of the known, and nothing is added", () => {
    const bench = new BalancerBench();
    assert.throws(() => bench.addService("best"), /found "best", accepted is one of rr, wrr, lc, wlc/);
    assert.deepEqual([...bench.table.services()], []);
  });
});
