import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HANDED_FLOWS } from "../../../src/balancer/handed-flows.js";
import { parseIp } from "../../../src/core/address.js";
import {
  CONNECTION_WORDS,
  ConnectionField,
  ConnectionState,
} from "../../../src/dataplane/connection-rows.js";
import { keepFlows, nameFlows } from "../../../src/forwarder/flow-exchange.js";
import { BalancerBench } from "../../helpers/balancer-bench.js";

const ADDRESS = "10.77.0.100";

/** A forwarder's table with some realservers. */
function generation(...addresses: string[]) {
  const bench = new BalancerBench();
  const service = bench.addService("rr");
  return { bench, service, servers: addresses.map((address) => bench.addServer(address).slot) };
}

/** Rows of flows from ports 0 and on, to these realservers in turn. */
function rowsOf(service: number, servers: readonly number[], count: number): Float64Array {
  const rows = new Float64Array(count * CONNECTION_WORDS);
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * CONNECTION_WORDS);
    row[ConnectionField.service] = service;
    row[ConnectionField.server] = servers[i % servers.length];
    row[ConnectionField.family] = 4;
    row.set(parseIp("10.77.1.1")!.words, ConnectionField.client);
    row[ConnectionField.clientPort] = i;
    row.set(parseIp(ADDRESS)!.words, ConnectionField.destination);
    row[ConnectionField.destinationPort] = 80;
    row[ConnectionField.state] = ConnectionState.UDP;
  }
  return rows;
}

/** Realserver of the flow from a port. */
function resumed({ bench, service }: ReturnType<typeof generation>, clientPort: number): number {
  const { request } = bench.dispatcher;
  request.family = 4;
  request.client.set(parseIp("10.77.1.1")!.words);
  request.clientPort = clientPort;
  request.destination.set(parseIp(ADDRESS)!.words);
  request.destinationPort = 80;
  return bench.dispatcher.dispatchFlow(service, -1);
}

describe("flows on their way to the next generation", () => {
  test("come to the realserver of the same name, whatever its slot there is", () => {
    const older = generation("10.77.2.1", "10.77.2.2");
    const newer = generation("10.77.2.3", "10.77.2.2", "10.77.2.1");
    const pages = nameFlows([rowsOf(older.service, older.servers, 3)], older.bench.table);
    const { columns, table } = newer.bench;
    for (const page of pages) keepFlows(JSON.parse(JSON.stringify(page)), columns, table, 60);
    const [, second, first] = newer.servers;
    assert.deepEqual(
      [2, 1, 0].map((port) => resumed(newer, port)),
      [first, second, first],
    );
  });

  test("of realservers and services that there are not any longer are left out", () => {
    const older = generation("10.77.2.1", "10.77.2.2");
    const newer = generation("10.77.2.2");
    const [page] = nameFlows([rowsOf(older.service, older.servers, 2)], older.bench.table);
    keepFlows(
      { ...page, "udp://10.77.0.200:53": { "10.77.2.2:53": [] } },
      newer.bench.columns,
      newer.bench.table,
      60,
    );
    // One of the two is known.
    assert.equal(newer.bench.columns.handedFlows.state[0], 1);
  });

  test("of the sorry server are not told of", () => {
    const older = generation("10.77.2.1");
    assert.deepEqual(nameFlows([rowsOf(older.service, [-2], 2)], older.bench.table), []);
  });

  test("come in pages, and not more than the next generation can know", () => {
    const older = generation("10.77.2.1");
    const rows = rowsOf(older.service, older.servers, 10_000);
    const all = Array.from({ length: 7 }, () => rows);
    const sizes = nameFlows(all, older.bench.table).map(
      (page) => Object.values(Object.values(page)[0])[0].length / 10,
    );
    assert.equal(Math.max(...sizes), 4096);
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      HANDED_FLOWS,
    );
  });
});
