import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { createPlaneMemory } from "../../../../src/dataplane/memory.js";
import { Connections, EndFlag } from "../../../../src/dataplane/native/connections.js";
import { HeldAcks, HOLD_MS } from "../../../../src/dataplane/native/held-acks.js";
import { type Libc, loadLibc } from "../../../../src/dataplane/native/libc.js";

const CLIENT = 7;
const REALSERVER = 8;
const NEVER = -1;

describe("held acknowledgements", () => {
  let acknowledged: number[];
  let due: number[];
  let connections: Connections;
  let clock: { nowMs: number };
  let acks: HeldAcks;

  beforeEach(() => {
    acknowledged = [];
    connections = new Connections(8192);
    clock = { nowMs: 100 };
    const setIntOption: Libc["setIntOption"] = (fd, _level, _option, value) => {
      if (value === 1) acknowledged.push(fd);
      return 0;
    };
    const libc: Libc = { ...loadLibc(), setIntOption };
    due = [];
    const onHeaderDue = (slot: number): void => {
      due.push(slot);
    };
    acks = new HeldAcks({ libc, connections, clock, memory: createPlaneMemory(2, 1), onHeaderDue });
  });

  /** A connection whose realserver's socket is open; realserver 0 unless told. */
  function open(server = 0): number {
    const slot = connections.open(CLIENT, clock);
    connections.server[slot] = server;
    acks.accepted(slot);
    connections.attach(slot * 2 + 1, REALSERVER, 0);
    return slot;
  }

  function sendToRealserver(slot: number): void {
    connections.flags[slot * 2 + 1] |= EndFlag.SENT;
    acks.sentFirst(slot * 2 + 1);
    connections.bytes[slot * 2] = 1;
  }

  function answer(slot: number): void {
    connections.bytes[slot * 2 + 1] = 1;
  }

  function passMs(ms: number): void {
    clock.nowMs += ms;
    acks.releaseDue();
  }

  test("go with the bytes that come in time: nothing is left to do", () => {
    const slot = open();
    sendToRealserver(slot);
    answer(slot);
    acknowledged = [];
    assert.equal(acks.untilDueMs(NEVER), NEVER);
    passMs(HOLD_MS);
    assert.deepEqual(acknowledged, []);
  });

  test("a client without an answer is acknowledged after the holding time, and not before", () => {
    sendToRealserver(open());
    acknowledged = [];
    assert.equal(acks.untilDueMs(NEVER), HOLD_MS);
    passMs(HOLD_MS - 1);
    assert.deepEqual(acknowledged, []);
    passMs(1);
    assert.deepEqual(acknowledged, [CLIENT]);
    assert.equal(acks.untilDueMs(NEVER), NEVER);
  });

  test("a realserver that nobody is known to speak to first is acknowledged as soon as it is connected", () => {
    acks.connected(open());
    assert.deepEqual(acknowledged, [REALSERVER]);
  });

  test("a realserver that the last client spoke to first waits for the next one's bytes", () => {
    sendToRealserver(open());
    acknowledged = [];
    acks.connected(open());
    assert.deepEqual(acknowledged, []);
  });

  test("one realserver's clients say nothing about another's", () => {
    sendToRealserver(open(0));
    acknowledged = [];
    acks.connected(open(1));
    assert.deepEqual(acknowledged, [REALSERVER]);
  });

  test("a client that answers its realserver did not speak first", () => {
    const slot = open();
    answer(slot);
    sendToRealserver(slot);
    acknowledged = [];
    acks.connected(open());
    assert.deepEqual(acknowledged, [REALSERVER]);
  });

  test("where a client is silent for the holding time, the next one is not waited for", () => {
    sendToRealserver(open());
    acks.connected(open());
    passMs(HOLD_MS);
    acknowledged = [];
    acks.connected(open());
    assert.deepEqual(acknowledged, [REALSERVER]);
  });

  test("a header that waits is due after the holding time, once", () => {
    sendToRealserver(open());
    const slot = open();
    assert.equal(acks.expects(slot), true);
    connections.flags[slot * 2 + 1] |= EndFlag.HEADER_WAITS;
    passMs(HOLD_MS - 1);
    assert.deepEqual(due, []);
    passMs(1);
    assert.deepEqual(due, [slot]);
    passMs(HOLD_MS);
    assert.deepEqual(due, [slot]);
  });

  test("a realserver that is connected late is not held at all", () => {
    sendToRealserver(open());
    const slot = open();
    passMs(HOLD_MS);
    acknowledged = [];
    acks.connected(slot);
    assert.deepEqual(acknowledged, [REALSERVER]);
  });

  test("a connection that is gone is not touched, nor the one that has its place", () => {
    const slot = open();
    connections.release(slot);
    connections.open(CLIENT, clock);
    passMs(HOLD_MS);
    assert.deepEqual(acknowledged, []);
  });

  test("with more of them than there is room for, the oldest are acknowledged early", () => {
    for (let i = 0; i < 4100; i++) sendToRealserver(open());
    acknowledged = acknowledged.filter((fd) => fd === CLIENT);
    assert.equal(acknowledged.length, 4);
    passMs(HOLD_MS);
    assert.equal(acknowledged.filter((fd) => fd === CLIENT).length, 4100);
  });
});
