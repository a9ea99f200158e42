import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ending } from "../../../src/core/dispatch.js";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { BalancerBench } from "../../helpers/balancer-bench.js";

describe("accounting", () => {
  test("a connection is active from its schedule (SYN_RECV) to its first FIN", () => {
    const bench = new BalancerBench();
    const service = bench.addService();
    const server = bench.addServer("10.77.2.1");
    const slot = bench.dispatch("10.77.1.1", service);
    assert.equal(bench.counts(server), "1/0");
    bench.dispatcher.established(service, slot);
    assert.equal(bench.counts(server), "1/0");
    bench.dispatcher.halfClosed(service, slot);
    assert.equal(bench.counts(server), "0/1");
  });

  test("a finished connection counts as inactive for 120 seconds (TIME_WAIT)", () => {
    const bench = new BalancerBench();
    bench.addService();
    const server = bench.addServer("10.77.2.1");
    bench.close(bench.connect());
    assert.equal(bench.counts(server), "0/1");
    bench.passSeconds(120);
    assert.equal(bench.counts(server), "0/1");
    bench.passSeconds(1);
    assert.equal(bench.counts(server), "0/0");
  });

  test("a connection that was reset counts as inactive for 10 seconds (CLOSE)", () => {
    const bench = new BalancerBench();
    bench.addService();
    const server = bench.addServer("10.77.2.1");
    bench.close(bench.connect(), Ending.RESET);
    bench.passSeconds(10);
    assert.equal(bench.counts(server), "0/1");
    bench.passSeconds(0.5);
    assert.equal(bench.counts(server), "0/0");
  });

  test("a stall longer than all time-outs expires everything at once", () => {
    const bench = new BalancerBench();
    bench.addService();
    const server = bench.addServer("10.77.2.1");
    for (let i = 0; i < 50; i++) {
      bench.close(bench.connect(), i % 2 ? Ending.RESET : Ending.FINISHED);
      bench.passSeconds(1);
    }
    bench.passSeconds(100_000);
    assert.equal(bench.counts(server), "0/0");
  });

  test("a connection that never reached its realserver is not counted any longer", () => {
    const bench = new BalancerBench();
    const service = bench.addService();
    const server = bench.addServer("10.77.2.1");
    const slot = bench.dispatch("10.77.1.1", service);
    bench.dispatcher.closed(service, slot, false, Ending.UNCONNECTED);
    assert.equal(bench.counts(server), "0/0");
    assert.equal(bench.columns.services.connections[service], 0);
  });

  test("the N-th connection sets the overload flag of -x N, and below three quarters clears it", () => {
    const bench = new BalancerBench();
    bench.addService();
    const { slot } = bench.addServer("10.77.2.1", { upperThreshold: 4 });
    const isOverloaded = () => (bench.columns.servers.flags[slot] & ServerFlag.OVERLOADED) !== 0;
    const connections = [1, 2, 3].map(() => bench.connect());
    assert.equal(isOverloaded(), false);
    connections.push(bench.connect());
    assert.equal(isOverloaded(), true);
    bench.close(connections[0], Ending.RESET);
    bench.passSeconds(11);
    assert.equal(isOverloaded(), true, "3 of 4 is not below three quarters");
    bench.close(connections[1], Ending.RESET);
    bench.passSeconds(11);
    assert.equal(isOverloaded(), false);
  });

  test("with a lower threshold the flag clears only below it", () => {
    const bench = new BalancerBench();
    bench.addService();
    const { slot } = bench.addServer("10.77.2.1", { upperThreshold: 4, lowerThreshold: 2 });
    const connections = [1, 2, 3, 4].map(() => bench.connect());
    for (const [closed, overloaded] of [
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      bench.close(connections[closed], Ending.RESET);
      bench.passSeconds(11);
      assert.equal((bench.columns.servers.flags[slot] & ServerFlag.OVERLOADED) !== 0, overloaded);
    }
  });

  test("an edit of the thresholds is judged by the new values at once", () => {
    const bench = new BalancerBench();
    bench.addService();
    const { slot } = bench.addServer("10.77.2.1");
    const isOverloaded = () => (bench.columns.servers.flags[slot] & ServerFlag.OVERLOADED) !== 0;
    for (let i = 0; i < 4; i++) bench.connect();
    bench.editServer("10.77.2.1", { upperThreshold: 4 });
    assert.equal(isOverloaded(), true);
    bench.editServer("10.77.2.1", { upperThreshold: 5 });
    assert.equal(isOverloaded(), true, "4 is not below three quarters of 5");
    bench.editServer("10.77.2.1", { upperThreshold: 6 });
    assert.equal(isOverloaded(), false);
  });
});
