/** Which connections begin with a PROXY header, what the client that one names is taken for, and what is refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServiceBook } from "../../../src/balancer/service-book.js";
import { parseIp } from "../../../src/core/address.js";
import { Opening, Verdict } from "../../../src/core/dispatch.js";
import { UvsError } from "../../../src/core/errors.js";
import {
  type AcceptProxy,
  DEFAULT_SETTINGS,
  type RealserverSettings,
  type ServiceId,
  type ServiceSettings,
} from "../../../src/core/model.js";
import { HeaderFormat } from "../../../src/core/proxy-protocol/format.js";
import { BalancerBench, realserver, VIP } from "../../helpers/balancer-bench.js";

const ACCEPT: AcceptProxy = {
  from: ["10.70.0.0/16", "192.0.2.7/32", "fd77::/64"],
  others: "plain",
  timeoutMs: 700,
  maxHeader: 600,
};

/** What a connection from an address begins with. */
function opening(bench: BalancerBench, service: number, client: string): number {
  const { request } = bench.dispatcher;
  const address = parseIp(client)!;
  request.family = address.family;
  request.client.set(address.words);
  const answer = bench.dispatcher.opening(service);
  if (answer === Opening.HEADER) bench.dispatcher.opened(service);
  return answer;
}

describe("a connection", () => {
  test("begins with a header where it comes from one of the networks, and only there", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr", { acceptProxy: ACCEPT });
    const answers = (...clients: string[]) => clients.map((client) => opening(bench, service, client));
    const { HEADER, PLAIN, REFUSED } = Opening;
    assert.deepEqual(answers("10.70.0.1", "10.70.255.255", "192.0.2.7", "fd77::1", "fd77::ffff:0:0:1"), [
      HEADER,
      HEADER,
      HEADER,
      HEADER,
      HEADER,
    ]);
    const elsewhere = ["10.71.0.1", "192.0.2.8", "fd77:0:0:1::1", "::10.70.0.1", "::192.0.2.7"];
    assert.deepEqual(
      answers(...elsewhere),
      elsewhere.map(() => PLAIN),
    );
    bench.table.editService(VIP, { ...DEFAULT_SETTINGS, acceptProxy: { ...ACCEPT, others: "refuse" } });
    assert.deepEqual(answers("10.70.0.1", "10.71.0.1"), [HEADER, REFUSED]);
    bench.table.editService(VIP, DEFAULT_SETTINGS);
    assert.deepEqual(answers("10.70.0.1", "10.71.0.1"), [PLAIN, PLAIN]);
  });

  test("is told how long its header may be and take", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr", { acceptProxy: ACCEPT });
    opening(bench, service, "10.70.0.1");
    const { headerTimeoutMs, headerLimit } = bench.dispatcher.target;
    assert.deepEqual([headerTimeoutMs, headerLimit], [700, 600]);
  });

  test("whose header is waited for keeps the slot of a deleted service, and is then refused", () => {
    const bench = new BalancerBench();
    const service = bench.addService("rr", { acceptProxy: ACCEPT });
    bench.dispatcher.request.client.set(parseIp("10.70.0.1")!.words);
    assert.equal(bench.dispatcher.opening(service), Opening.HEADER);
    bench.table.deleteService(VIP);
    bench.table.sweep();
    const other: ServiceId = { ...VIP, address: "10.77.0.101" };
    assert.notEqual(bench.addService("rr", {}, other), service);
    assert.equal(bench.dispatcher.dispatch(service), Verdict.NO_SERVICE);
    bench.dispatcher.opened(service);
    bench.table.sweep();
    const another: ServiceId = { ...VIP, address: "10.77.0.102" };
    assert.equal(bench.addService("rr", {}, another), service, "the slot is free again");
  });
});

test("clients of the other family, whom a header may name, have templates of their own whole address", () => {
  const bench = new BalancerBench();
  const persistence = { timeoutSec: 300, netmask: "255.255.255.255" };
  bench.addService("rr", { acceptProxy: ACCEPT, persistence });
  bench.addServer("10.77.2.1");
  bench.addServer("10.77.2.2");
  const serverOf = (client: string): number => {
    const connection = bench.connect(client);
    return typeof connection === "number" ? connection : connection.server;
  };
  const first = serverOf("2001:db8::1");
  const second = serverOf("2001:db8::2");
  assert.notEqual(first, second);
  assert.deepEqual([serverOf("2001:db8::1"), serverOf("2001:db8::2")], [first, second]);
});

test("the target says which header the realserver, or the sorry server, is sent", () => {
  const bench = new BalancerBench();
  const sorry = { address: "127.0.0.1", port: 8080 };
  bench.addService("rr", { sorry, sorryProxyProtocol: 1 });
  const settings: Partial<RealserverSettings> = {
    proxyProtocol: { version: 2, crc32c: true, uniqueId: false },
  };
  bench.addServer("10.77.2.1", settings);
  const header = (): number => {
    bench.connect();
    return bench.dispatcher.target.header;
  };
  assert.equal(header(), HeaderFormat.V2 | HeaderFormat.CRC32C);
  bench.editServer("10.77.2.1", {});
  assert.equal(header(), HeaderFormat.NONE);
  bench.editServer("10.77.2.1", { ...settings, weight: 0 });
  assert.equal(header(), HeaderFormat.V1);
});

describe("the record refuses", () => {
  const bad: readonly [string, Partial<ServiceSettings>, Partial<ServiceId>, RegExp][] = [
    ["no networks", { acceptProxy: { ...ACCEPT, from: [] } }, {}, /acceptProxy.from: found 0 networks/],
    [
      "a network that is not canonical",
      { acceptProxy: { ...ACCEPT, from: ["10.0.0.1/8"] } },
      {},
      /found "10.0.0.1\/8", accepted is 10.0.0.0\/8/,
    ],
    [
      "what is no network",
      { acceptProxy: { ...ACCEPT, from: ["lan"] } },
      {},
      /found "lan", accepted is a network/,
    ],
    ["a limit below 536", { acceptProxy: { ...ACCEPT, maxHeader: 535 } }, {}, /maxHeader: found 535/],
    ["headers from UDP clients", { acceptProxy: ACCEPT }, { protocol: "udp" }, /accepted is it for TCP/],
    [
      "a header for no sorry server",
      { sorryProxyProtocol: 1 },
      {},
      /sorryProxyProtocol: found without sorry/,
    ],
  ];
  for (const [what, settings, id, message] of bad) {
    test(what, () => {
      const book = new ServiceBook({ services: 2, realservers: 3 });
      const service = { id: { ...VIP, ...id } as ServiceId, realservers: [] };
      assert.throws(
        () => book.add({ ...service, settings: { ...DEFAULT_SETTINGS, ...settings } }),
        (error) => error instanceof UvsError && error.code === "INVALID" && message.test(error.message),
      );
    });
  }

  test("version 1 with what only version 2 carries, and for UDP", () => {
    const book = new ServiceBook({ services: 2, realservers: 3 });
    const udp: ServiceId = { ...VIP, protocol: "udp" } as ServiceId;
    for (const id of [VIP, udp]) book.add({ id, settings: DEFAULT_SETTINGS, realservers: [] });
    const add = (id: ServiceId, version: 1 | 2, crc32c: boolean) =>
      book.addRealserver(
        id,
        realserver("10.77.2.1", { proxyProtocol: { version, crc32c, uniqueId: false } }),
      );
    assert.throws(() => add(VIP, 1, true), /version 1 with crc32c or uniqueId/);
    assert.throws(() => add(udp, 1, false), /accepted is version 2: 1 knows TCP only/);
    add(VIP, 2, true);
    add(udp, 2, true);
  });
});
