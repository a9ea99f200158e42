import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHandedFlows, HANDED_FLOWS, HandedFlows } from "../../../src/balancer/handed-flows.js";
import { NONE } from "../../../src/schedulers/columns.js";
import { BalancerBench, VIP } from "../../helpers/balancer-bench.js";

const SERVICE = 3;
const TICKS = 40;

const ends = (client: number, clientPort = 5000) => ({
  client: Uint32Array.of(client, 0, 0, 0),
  clientPort,
  destination: Uint32Array.of(0x0a4d0064, 0, 0, 0),
  destinationPort: 53,
});

function tableOf() {
  const columns = createHandedFlows();
  const clock = new Int32Array(1);
  return { writer: new HandedFlows(columns, clock), reader: new HandedFlows(columns, clock), clock };
}

describe("flows that are handed on", () => {
  test("lead to their realserver once, whoever asks", () => {
    const { writer, reader } = tableOf();
    assert.equal(writer.keep(SERVICE, 7, ends(1), TICKS), true);
    assert.equal(writer.keep(SERVICE, 0, ends(2), TICKS), true);
    assert.equal(reader.take(SERVICE, ends(1)), 7);
    assert.equal(reader.take(SERVICE, ends(1)), NONE);
    assert.equal(reader.take(SERVICE, ends(2)), 0);
  });

  for (const [what, service, other] of [
    ["client", SERVICE, ends(2)],
    ["client's port", SERVICE, ends(1, 5001)],
    ["service", SERVICE + 1, ends(1)],
    ["VIP", SERVICE, { ...ends(1), destination: Uint32Array.of(0x0a4d0065, 0, 0, 0) }],
    ["port of the VIP", SERVICE, { ...ends(1), destinationPort: 54 }],
  ] as const) {
    test(`say nothing of another ${what}`, () => {
      const { writer, reader } = tableOf();
      writer.keep(SERVICE, 7, ends(1), TICKS);
      assert.equal(reader.take(service, other), NONE);
    });
  }

  test("that were taken are not handed on again", () => {
    const { writer, reader } = tableOf();
    writer.keep(SERVICE, 7, ends(1), TICKS);
    reader.take(SERVICE, ends(1));
    assert.equal(writer.keep(SERVICE, 7, ends(1), TICKS), true);
    assert.equal(reader.take(SERVICE, ends(1)), NONE);
  });

  test("are forgotten when they would have ended, and leave room", () => {
    const { writer, reader, clock } = tableOf();
    writer.keep(SERVICE, 7, ends(1), TICKS);
    clock[0] = TICKS;
    assert.equal(reader.take(SERVICE, ends(1)), NONE);
    assert.equal(writer.keep(SERVICE, 8, ends(1), TICKS), true);
    assert.equal(reader.take(SERVICE, ends(1)), 8);
  });

  test("are bounded: those beyond it are not kept, and all others are found", () => {
    const { writer, reader } = tableOf();
    for (let i = 0; i < HANDED_FLOWS; i++) assert.ok(writer.keep(SERVICE, i, ends(i), TICKS));
    assert.equal(writer.keep(SERVICE, 1, ends(HANDED_FLOWS), TICKS), false);
    assert.equal(reader.take(SERVICE, ends(HANDED_FLOWS)), NONE);
    for (let i = 0; i < HANDED_FLOWS; i++) assert.equal(reader.take(SERVICE, ends(i)), i);
  });
});

/** A service of two realservers, and a flow of a client to the second that an older generation had. */
function resuming(settings: Parameters<BalancerBench["addService"]>[1] = {}) {
  const bench = new BalancerBench();
  const service = bench.addService("rr", settings);
  const [first, second] = [bench.addServer("10.77.2.1"), bench.addServer("10.77.2.2")];
  const { request } = bench.dispatcher;
  request.family = 4;
  request.client.set([1, 0, 0, 0]);
  request.clientPort = 5000;
  const known = new HandedFlows(bench.columns.handedFlows, bench.columns.clock);
  // In turn the second one is first.
  known.keep(service, first.slot, request, TICKS);
  return {
    bench,
    service,
    first,
    second,
    open: (avoid = -1) => bench.dispatcher.dispatchFlow(service, avoid),
  };
}

describe("a flow that an older generation had", () => {
  test("goes to its realserver without a turn of the scheduler, and is counted there", () => {
    const { bench, first, second, open } = resuming();
    assert.equal(open(), first.slot);
    assert.equal(bench.counts(first), "0/1");
    assert.equal(open(), second.slot);
  });

  test("is scheduled anew where its realserver was deleted", () => {
    const { bench, first, second, open } = resuming();
    bench.table.deleteServer(VIP, { address: "10.77.2.1", port: first.settings.port });
    assert.equal(open(), second.slot);
  });

  test("goes on to a realserver of weight 0, as flows do", () => {
    const { bench, first, open } = resuming();
    bench.editServer("10.77.2.1", { weight: 0 });
    assert.equal(open(), first.slot);
  });

  test("is scheduled anew after its realserver refused it", () => {
    const { first, second, open } = resuming();
    assert.equal(open(first.slot), second.slot);
  });

  test("of one packet is not resumed", () => {
    const { second, open } = resuming({ onePacket: true });
    assert.equal(open(), second.slot);
  });
});
