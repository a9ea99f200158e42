import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { addressKey } from "../../../../src/ha/links/ip-output.js";
import { checkFloating, type FloatingAddress } from "../../../../src/ha/resources/floating-address.js";
import { FloatingAddresses, removeLeftovers } from "../../../../src/ha/resources/floating-addresses.js";
import { HeldNote } from "../../../../src/ha/resources/held-note.js";
import { FakeIp } from "../../../helpers/fake-ip.js";
import { FakeTimers, settle } from "../../../helpers/fake-timers.js";
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
  const ip = new FakeIp();
  const timers = new FakeTimers();
  const logger = new RecordingLogger();
  const note = new HeldNote(file, logger);
  const announced: string[] = [];
  const lost: string[] = [];
  const announcer = { start: () => void announced.push("start"), stop: () => void announced.push("stop") };
  const subject = new FloatingAddresses(addresses, {
    ip,
    note,
    announcer,
    timers,
    logger,
    onLost: (reason) => lost.push(reason),
  });
  return {
    ip,
    timers,
    logger,
    note,
    announced,
    lost,
    subject,
    file,
    noted: () => readFileSync(file, "utf8"),
  };
}

const snapshot = (...keys: string[]) => ({ up: new Set(["eth0"]), addresses: new Set(keys) });

test("addresses are noted, added in order with broadcast and scope, and announced", () =>
  withAddresses(
    [
      VIP,
      { ...VIP, address: "10.0.0.101", prefix: 32, scope: "link", label: "eth0:1" },
      { ...VIP, address: "fd00::1", prefix: 64 },
      { ...VIP, address: "fd00::2", prefix: 128 },
    ],
    async ({ subject, ip, announced, noted }) => {
      assert.equal(await subject.take(), undefined);
      assert.deepEqual(ip.commands, [
        "addr add 10.0.0.100/24 dev eth0 brd +",
        "addr add 10.0.0.101/32 dev eth0 scope link label eth0:1",
        "addr add fd00::1/64 dev eth0 nodad",
        "addr add fd00::2/128 dev eth0 nodad preferred_lft 0",
        "addr show dev eth0",
      ]);
      assert.deepEqual(announced, ["start"]);
      assert.equal(JSON.parse(noted()).length, 4);
    },
  ));

test("addresses are removed in reverse, and the note is empty afterwards", () =>
  withAddresses([VIP, { ...VIP, address: "10.0.0.101" }], async ({ subject, ip, announced, noted }) => {
    await subject.take();
    ip.commands.length = 0;
    assert.equal(await subject.drop(), undefined);
    assert.deepEqual(ip.commands.slice(0, 2), [
      "addr del 10.0.0.101/24 dev eth0",
      "addr del 10.0.0.100/24 dev eth0",
    ]);
    assert.deepEqual(announced, ["start", "stop"]);
    assert.equal(noted(), "[]");
  }));

test("addresses that stay a moment longer are announced no more, and go afterwards", () =>
  withAddresses([VIP], async ({ subject, ip, announced, timers }) => {
    await subject.take();
    ip.commands.length = 0;
    const dropped = subject.drop(4);
    assert.deepEqual(announced, ["start", "stop"]);
    await timers.advance(3);
    assert.deepEqual(ip.commands, []);
    await timers.advance(1);
    assert.equal(await dropped, undefined);
    assert.equal(ip.commands[0], "addr del 10.0.0.100/24 dev eth0");
  }));

test("addresses that are wanted again meanwhile stay", () =>
  withAddresses([VIP], async ({ subject, ip, timers }) => {
    await subject.take();
    const dropped = subject.drop(4);
    await subject.take();
    await timers.advance(4);
    assert.equal(await dropped, undefined);
    assert.ok(!ip.commands.some((command) => command.startsWith("addr del")));
  }));

test("an address that is there already, or gone already, is no failure", () =>
  withAddresses([VIP], async ({ subject, ip }) => {
    ip.interfaces.get("eth0")?.add("10.0.0.100/24");
    assert.equal(await subject.take(), undefined);
    ip.interfaces.get("eth0")?.clear();
    assert.equal(await subject.drop(), undefined);
  }));

test("a refusal is told in ip's words, and nothing is announced", () =>
  withAddresses([VIP], async ({ subject, ip, announced }) => {
    ip.refusal = "RTNETLINK answers: Operation not permitted";
    assert.equal(
      await subject.take(),
      "10.0.0.100 on eth0 could not be added: RTNETLINK answers: Operation not permitted",
    );
    assert.deepEqual(announced, []);
    assert.equal(subject.isHeld, false);
  }));

test("a missing interface and a missing ip are told", () =>
  withAddresses([{ ...VIP, interface: "eth9" }], async ({ subject, ip }) => {
    assert.match((await subject.take()) ?? "", /could not be added: Device "eth9" does not exist/);
    ip.isMissing = true;
    assert.match((await subject.take()) ?? "", /iproute2 is needed/);
  }));

test("an address that somebody removes is added again at once", () =>
  withAddresses([VIP], async ({ subject, ip, logger }) => {
    await subject.take();
    ip.interfaces.get("eth0")?.clear();
    subject.check(snapshot());
    await settle();
    assert.ok(ip.has("eth0", "10.0.0.100"));
    assert.match(logger.messages[0], /was removed by somebody else/);
  }));

test("an address that is removed again and again is given up", () =>
  withAddresses([VIP], async ({ subject, lost, timers }) => {
    await subject.take();
    for (let i = 0; i < 5; i++) {
      subject.check(snapshot());
      await timers.advance(1000);
    }
    assert.deepEqual(lost, []);
    subject.check(snapshot());
    assert.match(lost[0], /again and again/);
  }));

test("losses that are long ago are forgotten", () =>
  withAddresses([VIP], async ({ subject, lost, timers }) => {
    await subject.take();
    for (let i = 0; i < 20; i++) {
      subject.check(snapshot());
      await timers.advance(30_000);
    }
    assert.deepEqual(lost, []);
  }));

test("an address that is there, or not wanted, is left alone", () =>
  withAddresses([VIP], async ({ subject, ip }) => {
    subject.check(snapshot());
    await subject.take();
    ip.commands.length = 0;
    subject.check(snapshot(addressKey("eth0", "10.0.0.100")));
    await settle();
    assert.deepEqual(ip.commands, []);
  }));

test("what a killed director has noted is removed at the next start, and what is configured", () =>
  withAddresses([], async ({ ip, note, logger, file, noted }) => {
    ip.interfaces.set("eth0", new Set(["10.0.0.1/24", "10.0.0.100/24", "10.0.0.101/24"]));
    note.add([VIP]);
    const next = new HeldNote(file, logger);
    const configured = [{ ...VIP, address: "10.0.0.101" }];
    assert.equal(await removeLeftovers(configured, { ip, note: next, logger }), undefined);
    assert.deepEqual([...(ip.interfaces.get("eth0") ?? [])], ["10.0.0.1/24"]);
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

test("a group without addresses needs no ip", () =>
  withAddresses([], async ({ subject, ip }) => {
    ip.isMissing = true;
    assert.equal(await subject.take(), undefined);
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
