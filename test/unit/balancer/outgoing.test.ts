import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatIp, parseIp } from "../../../src/core/address.js";
import { Verdict } from "../../../src/core/dispatch.js";
import { BalancerBench } from "../../helpers/balancer-bench.js";

const ANY = { protocol: "tcp", address: "0.0.0.0", port: 80 } as const;

function nextSource({ dispatcher }: BalancerBench, service: number): string {
  dispatcher.nextSource(service);
  const [w0, w1, w2, w3] = dispatcher.target.source;
  return formatIp(dispatcher.target.family, w0, w1, w2, w3);
}

/** Decides for a client that spoke to this address. */
function meant({ dispatcher }: BalancerBench, service: number, destination: string): number {
  const address = parseIp(destination)!;
  dispatcher.request.family = address.family;
  dispatcher.request.destination.set(address.words);
  dispatcher.request.destinationPort = 8080;
  return dispatcher.dispatch(service);
}

describe("the address that a connection comes from", () => {
  test("the service's addresses of the realserver's family have their turns", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr", { source: ["10.77.0.1", "fd77::1", "10.77.0.2", "10.77.0.3"] });
    bench.addServer("10.77.2.1");
    bench.connect();
    assert.equal(bench.dispatcher.target.sources, 3);
    const turns = [1, 2, 3, 4].map(() => nextSource(bench, service));
    assert.deepEqual(turns, ["10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.1"]);
    bench.addServer("fd77:2::1");
    bench.connect();
    assert.equal(bench.dispatcher.target.family, 6);
    assert.equal(bench.dispatcher.target.sources, 1);
    assert.equal(nextSource(bench, service), "fd77::1");
  });

  test("an edit takes effect with the next connection; without addresses the host chooses", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr", { source: ["10.77.0.1", "10.77.0.2"] });
    const { settings } = bench.table.serviceAt(service)!;
    bench.addServer("10.77.2.1");
    bench.connect();
    nextSource(bench, service);
    nextSource(bench, service);
    bench.table.editService(
      { ...bench.table.serviceAt(service)!.id },
      { ...settings, source: ["10.77.0.9"] },
    );
    assert.equal(nextSource(bench, service), "10.77.0.9");
    bench.table.editService({ ...bench.table.serviceAt(service)!.id }, { ...settings, source: undefined });
    assert.equal(nextSource(bench, service), "0.0.0.0");
    bench.connect();
    assert.equal(bench.dispatcher.target.sources, 0);
  });

  test("a transparent service's connections come from the client, those to its sorry server do not", () => {
    const bench = new BalancerBench();
    const sorry = { address: "127.0.0.1", port: 8080 };
    bench.addService("rr", { transparent: true, sorry });
    const { settings, service } = bench.addServer("10.77.2.1");
    bench.connect();
    assert.equal(bench.dispatcher.target.isTransparent, true);
    bench.table.editServer(service.id, { ...settings, weight: 0 });
    bench.connect();
    assert.equal(bench.dispatcher.target.isTransparent, false);
  });

  test("with bypass clients go where they meant to when there is no realserver", () => {
    const bench = new BalancerBench();
    const service = bench.addService("dh", { intercept: { bypass: true } }, ANY);
    assert.equal(meant(bench, service, "192.0.2.7"), Verdict.SORRY);
    const { family, address, port } = bench.dispatcher.target;
    assert.equal(`${formatIp(family, address[0])} ${port}`, "192.0.2.7 8080");
  });

  for (const loopback of ["127.0.0.1", "127.9.9.9", "::1"]) {
    test(`nobody is sent on to ${loopback}, where the intercepting socket itself is`, () => {
      const bench = new BalancerBench();
      const service = bench.addService("dh", { intercept: { bypass: true } }, ANY);
      assert.equal(meant(bench, service, loopback), Verdict.NO_SERVER);
      assert.equal(bench.columns.services.connections[service], 0);
    });
  }
});
