import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { addressKey } from "../../../../src/ha/links/interfaces.js";
import { checkFloating, type FloatingAddress } from "../../../../src/ha/resources/floating-address.js";
import { FloatingAddresses, removeLeftovers } from "../../../../src/ha/resources/floating-addresses.js";
import { HeldNote } from "../../../../src/ha/resources/held-note.js";
import { FakeInterfaces } from "../../../helpers/fake-interfaces.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

const VIP: FloatingAddress = { address: "10.0.0.100", prefix: 24, interface: "eth0" };

async function withAddresses(
  addresses: readonly FloatingAddress[],
  use: (bench: ReturnType<typeof makeBench>) => Promise<void>,
): Promise<void> {
  await withTemporaryFolder(async (folder) => use(makeBench(addresses, join(folder, "run", "held.json"))));
}

function makeBench(addresses: readonly FloatingAddress[], file: string) {
  const interfaces = new FakeInterfaces();
  const timers = new FakeTimers();
  const logger = new RecordingLogger();
  const note = new HeldNote(file, logger);
  const announced: string[] = [];
  const lost: string[] = [];
  const announcer = {
    refusal: (): string | undefined => undefined,
    start: () => void announced.push("start"),
    stop: () => void announced.push("stop"),
  };
  const subject = new FloatingAddresses(addresses, {
    interfaces,
    note,
    announcer,
    timers,
    logger,
    onLost: (reason) => lost.push(reason),
  });
  return {
    interfaces,
    timers,
    logger,
    note,
    announced,
    announcer,
    lost,
    subject,
    file,
    noted: () => readFileSync(file, "utf8"),
  };
}

const snapshot = (...keys: string[]) => ({ up: new Set(["eth0"]), addresses: new Set(keys) });

test("addresses that may not be announced are not added: clients would stay with whom they know", () =>
  withAddresses([VIP], async ({ interfaces, announcer, announced, subject }) => {
    announcer.refusal = () => "CAP_NET_RAW is missing";
    assert.equal(subject.take(), "CAP_NET_RAW is missing");
    assert.deepEqual([interfaces.asked, announced, subject.isHeld], [[], [], false]);
  }));

test("addresses are noted, added in order with broadcast and scope, and announced", () =>
  withAddresses(
    [
      VIP,
      { ...VIP, address: "10.0.0.101", prefix: 32, scope: "link", label: "eth0:1" },
      { ...VIP, address: "fd00::1", prefix: 64 },
      { ...VIP, address: "fd00::2", prefix: 128 },
    ],
    async ({ subject, interfaces, announced, noted }) => {
      assert.equal(subject.take(), undefined);
      assert.deepEqual(interfaces.asked, [
        ["add", { ...VIP, broadcast: "10.0.0.255" }],
        ["add", { ...VIP, address: "10.0.0.101", prefix: 32, scope: "link", label: "eth0:1" }],
        ["add", { ...VIP, address: "fd00::1", prefix: 64 }],
        ["add", { ...VIP, address: "fd00::2", prefix: 128, isDeprecated: true }],
      ]);
      assert.deepEqual(announced, ["start"]);
      assert.equal(JSON.parse(noted()).length, 4);
    },
  ));

test("addresses are removed in reverse, and the note is empty afterwards", () =>
  withAddresses(
    [VIP, { ...VIP, address: "10.0.0.101" }],
    async ({ subject, interfaces, announced, noted }) => {
      subject.take();
      assert.equal(await subject.drop(), undefined);
      const removed = interfaces.asked.flatMap(([what, { address }]) => (what === "remove" ? [address] : []));
      assert.deepEqual(removed, ["10.0.0.101", "10.0.0.100"]);
      assert.deepEqual(announced, ["start", "stop"]);
      assert.equal(noted(), "[]");
    },
  ));

test("addresses that stay a moment longer are announced no more, and go afterwards", () =>
  withAddresses([VIP], async ({ subject, interfaces, announced, timers }) => {
    subject.take();
    const dropped = subject.drop(4);
    assert.deepEqual(announced, ["start", "stop"]);
    await timers.advance(3);
    assert.ok(interfaces.has("eth0", VIP.address));
    await timers.advance(1);
    assert.equal(await dropped, undefined);
    assert.ok(!interfaces.has("eth0", VIP.address));
  }));

test("addresses that stay a moment longer go at once when clients know of another place", () =>
  withAddresses([VIP], async ({ subject, interfaces, timers }) => {
    subject.take();
    const dropped = subject.drop(4);
    subject.hasten();
    assert.ok(!interfaces.has("eth0", VIP.address));
    assert.equal(await dropped, undefined);
    subject.take();
    await timers.advance(4);
    assert.ok(interfaces.has("eth0", VIP.address));
  }));

test("addresses that are wanted again meanwhile stay", () =>
  withAddresses([VIP], async ({ subject, interfaces, timers }) => {
    subject.take();
    const dropped = subject.drop(4);
    subject.take();
    await timers.advance(4);
    assert.equal(await dropped, undefined);
    assert.ok(interfaces.has("eth0", VIP.address));
  }));

test("an address that is there already, or gone already, is no failure", () =>
  withAddresses([VIP], async ({ subject, interfaces }) => {
    interfaces.addresses.get("eth0")?.add("10.0.0.100");
    assert.equal(subject.take(), undefined);
    interfaces.addresses.get("eth0")?.clear();
    assert.equal(await subject.drop(), undefined);
  }));

test("a refusal is told with what to do, and nothing is announced", () =>
  withAddresses([VIP], async ({ subject, interfaces, announced }) => {
    interfaces.refusal = "EPERM";
    assert.match(subject.take() ?? "", /^10.0.0.100 on eth0 could not be added: EPERM: .*CAP_NET_ADMIN/);
    assert.deepEqual(announced, []);
    assert.equal(subject.isHeld, false);
  }));

test("a missing interface is told", () =>
  withAddresses([{ ...VIP, interface: "eth9" }], async ({ subject }) => {
    assert.match(
      subject.take() ?? "",
      /10.0.0.100 on eth9 could not be added: ENODEV: there is no such interface/,
    );
  }));

test("an address that somebody removes is added again at once", () =>
  withAddresses([VIP], async ({ subject, interfaces, logger }) => {
    subject.take();
    interfaces.addresses.get("eth0")?.clear();
    subject.check(snapshot());
    assert.ok(interfaces.has("eth0", "10.0.0.100"));
    assert.match(logger.messages[0], /was removed by somebody else/);
  }));

test("an address that is removed again and again is given up", () =>
  withAddresses([VIP], async ({ subject, interfaces, lost, timers }) => {
    subject.take();
    for (let i = 0; i < 5; i++) {
      interfaces.addresses.get("eth0")?.clear();
      subject.check(snapshot());
      await timers.advance(1000);
    }
    assert.deepEqual(lost, []);
    interfaces.addresses.get("eth0")?.clear();
    subject.check(snapshot());
    assert.match(lost[0], /again and again/);
  }));

test("losses that are long ago are forgotten", () =>
  withAddresses([VIP], async ({ subject, interfaces, lost, timers }) => {
    subject.take();
    for (let i = 0; i < 20; i++) {
      interfaces.addresses.get("eth0")?.clear();
      subject.check(snapshot());
      await timers.advance(30_000);
    }
    assert.deepEqual(lost, []);
  }));

test("an address that was added again since it was missed is no loss", () =>
  withAddresses([VIP], async ({ subject, interfaces, logger }) => {
    subject.take();
    subject.check(snapshot());
    assert.equal(interfaces.asked.length, 1);
    assert.deepEqual(logger.messages, []);
  }));

test("an address that is there, or not wanted, is left alone", () =>
  withAddresses([VIP], async ({ subject, interfaces }) => {
    subject.check(snapshot());
    subject.take();
    subject.check(snapshot(addressKey("eth0", "10.0.0.100")));
    assert.equal(interfaces.asked.length, 1);
  }));

test("what a killed director has noted is removed at the next start, and what is configured", () =>
  withAddresses([], async ({ interfaces, note, logger, file, noted }) => {
    interfaces.addresses.set("eth0", new Set(["10.0.0.1", "10.0.0.100", "10.0.0.101"]));
    note.add([VIP]);
    const next = new HeldNote(file, logger);
    const configured = [{ ...VIP, address: "10.0.0.101" }];
    assert.equal(removeLeftovers(configured, { interfaces, note: next, logger }), undefined);
    assert.deepEqual([...(interfaces.addresses.get("eth0") ?? [])], ["10.0.0.1"]);
    assert.equal(noted(), "[]");
    assert.match(logger.messages[0], /10.0.0.100 10.0.0.101 was left over/);
  }));

test("a damaged note is told and counts as none", () =>
  withAddresses([], async ({ logger, file, note }) => {
    note.add([]);
    for (const text of [
      "{",
      '"x"',
      '[{"address":"; rm -rf /","prefix":24,"interface":"eth0"}]',
      "[1]",
      "[null]",
    ]) {
      writeFileSync(file, text);
      assert.deepEqual(new HeldNote(file, logger).leftovers(), []);
    }
    assert.equal(logger.messages.filter((message) => message.includes("is damaged")).length, 5);
  }));

test("a group without addresses needs no interface", () =>
  withAddresses([], async ({ subject, interfaces }) => {
    interfaces.addresses.clear();
    assert.equal(subject.take(), undefined);
    assert.equal(await subject.drop(), undefined);
  }));

for (const [name, change, message] of [
  ["a prefix of 33", { prefix: 33 }, /prefix: found 33, accepted is 1 to 32/],
  ["an address that is not canonical", { address: "10.0.0.01" }, /address: found 10.0.0.01/],
  ["an interface name with a blank", { interface: "eth0 x" }, /interface: found eth0 x/],
  ["a label of another interface", { label: "eth1:1" }, /label: found eth1:1, .* begin with eth0/],
  ["a broadcast that is none", { broadcast: "yes" }, /broadcast: found yes/],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => checkFloating({ ...VIP, ...change }), { code: "INVALID", message });
  });
}
