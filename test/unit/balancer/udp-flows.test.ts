import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerEntry } from "../../../src/balancer/service-table.js";
import { Ending, Verdict } from "../../../src/core/dispatch.js";
import { BalancerBench } from "../../helpers/balancer-bench.js";

/** A bench with two realservers, the second one first in turn. */
function benchOf(scheduler: string, settings: Parameters<BalancerBench["addService"]>[1] = {}) {
  const bench = new BalancerBench();
  const service = bench.addService(scheduler, settings);
  const servers: [ServerEntry, ServerEntry] = [bench.addServer("10.77.2.1"), bench.addServer("10.77.2.2")];
  const open = (avoid = -1): number => bench.dispatcher.dispatchFlow(service, avoid);
  const close = (server: number, ending: typeof Ending.EXPIRED | typeof Ending.RESET): void => {
    bench.dispatcher.request.token = 0;
    bench.dispatcher.closed(service, server, false, ending);
  };
  return { bench, service, servers, open, close };
}

describe("UDP flows in the balancer", () => {
  test("count as inactive from first to last (recording udp-rr)", () => {
    const { bench, service, servers, open, close } = benchOf("rr");
    const server = open();
    assert.equal(server, servers[1].slot);
    assert.equal(bench.counts(servers[1]), "0/1");
    bench.dispatcher.established(service, server);
    assert.equal(bench.counts(servers[1]), "0/1");
    close(server, Ending.EXPIRED);
    assert.equal(bench.counts(servers[1]), "0/0");
    assert.equal(bench.columns.services.connections[service], 0);
    assert.equal(bench.columns.servers.scheduled[server], 1);
  });

  test("fill a realserver up to its threshold (recording udp-thresh)", () => {
    const { bench, servers, open, close } = benchOf("rr");
    for (const address of ["10.77.2.1", "10.77.2.2"]) bench.editServer(address, { upperThreshold: 1 });
    const first = open();
    assert.ok(open() >= 0);
    assert.equal(open(), Verdict.NO_SERVER);
    close(first, Ending.EXPIRED);
    assert.equal(open(), servers[1].slot);
  });

  test("that were refused count on for 10 s, so that lc does not send everybody to who serves nobody", () => {
    const { bench, servers, open, close } = benchOf("lc");
    for (let i = 0; i < 4; i++) close(open(), Ending.RESET);
    assert.deepEqual(
      servers.map((server) => bench.counts(server)),
      ["0/2", "0/2"],
    );
    bench.passSeconds(11);
    assert.deepEqual(
      servers.map((server) => bench.counts(server)),
      ["0/0", "0/0"],
    );
  });

  test("of one packet are scheduled, and counted nowhere else (recording udp-rr-ops)", () => {
    const { bench, service, servers, open } = benchOf("rr", { onePacket: true });
    assert.deepEqual([open(), open(), open()], [servers[1].slot, servers[0].slot, servers[1].slot]);
    assert.equal(bench.dispatcher.target.isOnePacket, true);
    assert.deepEqual(
      servers.map((server) => bench.counts(server)),
      ["0/0", "0/0"],
    );
    assert.equal(bench.columns.services.connections[service], 0);
    assert.equal(bench.columns.services.scheduled[service], 3);
  });

  test("of one packet leave templates that are never assured, and hold nothing (recording udp-ops-persist)", () => {
    const persistence = { timeoutSec: 30, netmask: "255.255.255.255" };
    const { bench, servers, open } = benchOf("rr", { onePacket: true, persistence });
    assert.deepEqual([open(), open(), open()], new Array(3).fill(servers[1].slot));
    assert.equal(bench.dispatcher.target.token, 0);
    assert.equal(bench.columns.servers.persistent[servers[1].slot], 1);
    bench.passSeconds(31);
    assert.equal(bench.columns.servers.persistent[servers[1].slot], 0);
  });

  for (const scheduler of ["rr", "lc", "sh", "dh", "mh"]) {
    test(`avoid who has just refused them, by ${scheduler}`, () => {
      const { servers, open } = benchOf(scheduler);
      const first = open();
      const other = servers.find(({ slot }) => slot !== first)!.slot;
      for (let i = 0; i < 3; i++) assert.equal(open(first), other);
    });
  }

  test("go back to who has refused them where nobody else is, or redispatch is off", () => {
    const { bench, servers, open } = benchOf("rr");
    bench.editServer("10.77.2.1", { weight: 0 });
    assert.equal(open(servers[1].slot), servers[1].slot);
    const kernel = benchOf("sh", { redispatch: 0 });
    const first = kernel.open();
    assert.equal(kernel.open(first), first);
  });

  test("a persistent client's template moves with it", () => {
    const persistence = { timeoutSec: 30, netmask: "255.255.255.255" };
    const { servers, open } = benchOf("rr", { persistence });
    assert.equal(open(), servers[1].slot);
    assert.equal(open(servers[1].slot), servers[0].slot);
    assert.equal(open(), servers[0].slot);
  });

  test("refusals are marks of passive failure", () => {
    const { bench, servers } = benchOf("rr");
    bench.dispatcher.failed(servers[0].slot);
    bench.dispatcher.failed(servers[0].slot);
    assert.equal(bench.columns.servers.failures[servers[0].slot], 2);
  });
});
