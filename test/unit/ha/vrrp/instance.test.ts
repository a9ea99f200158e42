/** Directors on a link in memory, stepped by a clock that the test moves. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encode, passwordAuthentication } from "../../../../src/ha/vrrp/codec.js";
import { Instance } from "../../../../src/ha/vrrp/instance.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import type { InstanceEvent } from "../../../../src/ha/vrrp/status.js";
import { SyncGroup } from "../../../../src/ha/vrrp/sync-group.js";
import { FakeTimers, settle } from "../../../helpers/fake-timers.js";
import { RecordingHolder } from "../../../helpers/recording-holder.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { type SentPacket, VrrpNetwork } from "../../../helpers/vrrp-network.js";
import { VRRP_SETTINGS as SETTINGS } from "../../../helpers/vrrp-settings.js";

interface Director {
  readonly address: string;
  readonly instance: Instance;
  readonly holder: RecordingHolder;
  readonly events: InstanceEvent[];
  readonly logger: RecordingLogger;
}

interface Link {
  readonly timers: FakeTimers;
  readonly network: VrrpNetwork;
  add(address: string, settings?: Partial<InstanceSettings>, syncGroup?: SyncGroup): Director;
}

function link(): Link {
  const timers = new FakeTimers();
  const network = new VrrpNetwork();
  return {
    timers,
    network,
    add(address, settings = {}, syncGroup) {
      const holder = new RecordingHolder();
      const events: InstanceEvent[] = [];
      const logger = new RecordingLogger();
      const instance = new Instance(
        { ...SETTINGS, ...settings },
        {
          timers,
          openTransport: network.attach(address),
          holder,
          logger,
          onEvent: (event) => events.push(event),
          ...(syncGroup && { syncGroup }),
        },
      );
      return { address, instance, holder, events, logger };
    },
  };
}

/** What a director that is not simulated sends. */
function advertOf(source: string, priority: number): SentPacket {
  const envelope = { source, destination: "224.0.0.18" };
  const { id: vrid, addresses } = SETTINGS;
  return {
    ...envelope,
    message: encode({ version: 3, vrid, priority, intervalCs: 10, addresses }, envelope),
  };
}

const states = (...directors: readonly Director[]): string[] =>
  directors.map(({ instance }) => instance.state);

/** Two directors, the first one master; what is tracked works. */
async function pair(first: Partial<InstanceSettings> = {}, second: Partial<InstanceSettings> = {}) {
  const { timers, network, add } = link();
  const a = add("10.0.0.1", { priority: 150, ...first });
  const b = add("10.0.0.2", second);
  a.instance.start();
  b.instance.start();
  for (const { kind, name } of first.track ?? []) a.instance.track(kind, name, "up");
  await timers.advance(1000);
  assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
  return { timers, network, a, b };
}

describe("a handover", () => {
  const wordOf = ({ events }: Director) => events.find((event) => event.kind === "left");

  test("is offered when the addresses are off, and lets the backup go on without its skew time", async () => {
    const { timers, a, b } = await pair();
    a.holder.isSlow = true;
    const stopping = a.instance.stop();
    await timers.advance(10);
    assert.equal(wordOf(a), undefined, "as long as the addresses are there");
    a.holder.finishRelease();
    await stopping;
    assert.deepEqual(wordOf(a), { kind: "left", instance: "vi", id: 51, family: 4, source: "10.0.0.1" });
    b.instance.handedOver("10.0.0.1");
    assert.equal(b.instance.state, "MASTER");
    assert.equal(b.instance.status().lastTransition?.reason, "the master has handed over");
  });

  test("is believed of the master that is followed only, and only by a backup", async () => {
    const { a, b } = await pair();
    b.instance.handedOver("10.0.0.9");
    assert.equal(b.instance.state, "BACKUP");
    b.instance.setFault("guard", "no");
    b.instance.handedOver("10.0.0.1");
    assert.deepEqual(states(a, b), ["MASTER", "FAULT"]);
  });
});

describe("two directors", () => {
  test("the one with the higher priority becomes master, and only it takes the addresses", async () => {
    const { a, b } = await pair();
    assert.deepEqual(a.holder.calls, ["acquire"]);
    assert.deepEqual(b.holder.calls, []);
    assert.equal(b.instance.status().master?.source, "10.0.0.1");
  });

  test("when the master falls silent the backup takes over after its down time", async () => {
    const { timers, network, a, b } = await pair();
    network.cut(a.address, true);
    await timers.advance(260);
    assert.equal(b.instance.state, "BACKUP");
    await timers.advance(101);
    assert.equal(b.instance.state, "MASTER");
    assert.equal(b.instance.status().lastTransition?.reason, "no master was heard");
  });

  test("when the master stops, the backup takes over after its skew time, and nobody holds the address meanwhile", async () => {
    const { timers, a, b } = await pair();
    a.holder.isSlow = true;
    const stopped = a.instance.stop();
    await timers.advance(5000);
    assert.deepEqual(states(a, b), ["MASTER", "BACKUP"], "it advertises as long as its resources stop");
    a.holder.finishRelease();
    await stopped;
    assert.deepEqual(states(a, b), ["INIT", "BACKUP"]);
    await timers.advance(60);
    assert.equal(b.instance.state, "BACKUP");
    await timers.advance(1);
    assert.equal(b.instance.state, "MASTER");
    assert.equal(b.instance.status().lastTransition?.reason, "the master has left");
    assert.equal(b.instance.status().counters.pri_zero_rcvd, 1);
  });

  for (let phaseMs = 0; phaseMs < 100; phaseMs += 10) {
    test(`when a partition heals ${phaseMs} ms after an advertisement, the winner announces again`, async () => {
      const { timers, network, a, b } = await pair();
      network.cut(a.address, true);
      await timers.advance(1000 + phaseMs);
      assert.deepEqual(states(a, b), ["MASTER", "MASTER"]);
      network.cut(a.address, false);
      await timers.advance(101);
      assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
      assert.deepEqual([...new Set(a.holder.calls)], ["acquire", "announce"]);
      assert.equal(b.holder.isHeld, false);
      assert.ok(a.events.some(({ kind }) => kind === "conflict"));
    });
  }

  test("the higher priority takes over from a living master, with preempt", async () => {
    const { timers, add } = link();
    const b = add("10.0.0.2");
    b.instance.start();
    await timers.advance(1000);
    const a = add("10.0.0.1", { priority: 150 });
    a.instance.start();
    await timers.advance(342);
    assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
    assert.deepEqual(b.holder.calls, ["acquire", "release at once", "hasten"]);
  });

  test("without preempt the living master stays", async () => {
    const { timers, add } = link();
    const b = add("10.0.0.2");
    b.instance.start();
    await timers.advance(1000);
    const a = add("10.0.0.1", { priority: 150, preempt: false });
    a.instance.start();
    await timers.advance(5000);
    assert.deepEqual(states(a, b), ["BACKUP", "MASTER"]);
  });

  test("two masters of equal priority settle by their addresses", async () => {
    const { timers, network, add } = link();
    const a = add("10.0.0.1");
    const b = add("10.0.0.2");
    a.instance.start();
    network.cut(a.address, true);
    b.instance.start();
    await timers.advance(1000);
    assert.deepEqual(states(a, b), ["MASTER", "MASTER"]);
    network.cut(a.address, false);
    await timers.advance(100);
    assert.deepEqual(states(a, b), ["BACKUP", "MASTER"]);
  });
});

describe("a director that stands still", () => {
  test("yields before it sends anything when another one took over meanwhile", async () => {
    const { timers, network, add } = link();
    const a = add("10.0.0.1", { priority: 150 });
    a.instance.start();
    await timers.advance(1000);
    const sent = network.sent.length;
    network.stall(a.address, true);
    network.inject(advertOf("10.0.0.2", 100));
    await timers.stall(5000);
    assert.equal(a.instance.state, "BACKUP");
    assert.equal(network.sent.length, sent);
    assert.equal(a.instance.status().counters.stalled, 1);
  });

  test("as a backup does not take over from a master whose packets wait in the socket", async () => {
    const { timers, network, add } = link();
    const b = add("10.0.0.2");
    b.instance.start();
    network.stall(b.address, true);
    await timers.advance(300);
    network.inject(advertOf("10.0.0.1", 150));
    await timers.advance(100);
    assert.equal(b.instance.state, "BACKUP");
    assert.equal(b.instance.status().master?.source, "10.0.0.1");
  });
});

describe("rejected packets", () => {
  test("a flood of them neither silences the master nor delays the backup", async () => {
    const { timers, network, a, b } = await pair();
    const before = a.instance.status().counters.advert_sent;
    const envelope = { source: "10.0.0.9", destination: "224.0.0.18" };
    const message = encode(
      {
        version: 2,
        vrid: 51,
        priority: 200,
        intervalCs: 100,
        addresses: ["10.0.0.100"],
        authentication: passwordAuthentication("x"),
      },
      envelope,
    );
    for (let i = 0; i < 1000; i++) {
      network.inject({ ...envelope, message });
      await timers.advance(1);
    }
    assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
    assert.equal(a.instance.status().counters.advert_sent, before + 10);
    assert.equal(a.instance.status().counters.version_err, 1000);
    const peer = a.instance.status().peers.find(({ source }) => source === "10.0.0.9");
    assert.equal(peer?.rejected?.reason, "version_err");
    assert.equal(peer?.rejected?.packets, 1000);
    network.cut(a.address, true);
    await timers.advance(360);
    assert.equal(b.instance.state, "MASTER");
  });

  test("are logged once per reason, with the reason in words", async () => {
    const { network, a } = await pair();
    const envelope = { source: "10.0.0.9", destination: "224.0.0.18" };
    for (let i = 0; i < 50; i++) network.inject({ ...envelope, message: new Uint8Array([0x31, 51]) });
    const warnings = a.logger.messages.filter((message) => message.includes("dropped an advertisement"));
    assert.equal(warnings.length, 1);
  });

  test("invented senders cost no memory", async () => {
    const { network, a } = await pair();
    for (let i = 0; i < 1000; i++) {
      const source = `10.1.${i >> 8}.${i & 255}`;
      network.inject({ source, destination: "224.0.0.18", message: new Uint8Array([0x31, 51]) });
    }
    assert.ok(a.instance.status().peers.length <= 32);
  });
});

describe("faults and tracking", () => {
  test("a failed interface makes the master leave at once, and the backup take over after its skew", async () => {
    const { timers, a, b } = await pair({ track: [{ kind: "interface", name: "eth1" }] });
    a.instance.track("interface", "eth1", "down");
    await settle();
    assert.equal(a.instance.state, "FAULT");
    assert.deepEqual(a.instance.status().faults, ["interface eth1 is down"]);
    await timers.advance(61);
    assert.equal(b.instance.state, "MASTER");
    a.instance.track("interface", "eth1", "up");
    assert.equal(a.instance.state, "BACKUP");
  });

  test("a failed check with a weight lowers the priority, and the backup takes over after its down time", async () => {
    const { timers, a, b } = await pair({ track: [{ kind: "script", name: "chk", weight: -60 }] });
    a.instance.track("script", "chk", "down");
    assert.equal(a.instance.status().priority, 90);
    await timers.advance(600);
    assert.deepEqual(states(a, b), ["BACKUP", "MASTER"]);
  });

  test("a condition that was never looked at keeps the instance out", async () => {
    const { timers, add } = link();
    const a = add("10.0.0.1", { track: [{ kind: "service", name: "tcp://10.0.0.100:80" }] });
    a.instance.start();
    await timers.advance(5000);
    assert.equal(a.instance.state, "FAULT");
    a.instance.track("service", "tcp://10.0.0.100:80", "up");
    await timers.advance(500);
    assert.equal(a.instance.state, "MASTER");
  });

  test("a group that cannot be taken makes the director leave", async () => {
    const { timers, a, b } = await pair();
    a.instance.setFault("group", "the addresses could not be added");
    await timers.advance(100);
    assert.deepEqual(states(a, b), ["FAULT", "MASTER"]);
    a.instance.setFault("group", undefined);
    await timers.advance(500);
    assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
  });
});

describe("the operator", () => {
  test("puts the master to standby: it leaves in order and stays out until it is wanted again", async () => {
    const { timers, a, b } = await pair();
    a.instance.standby();
    await timers.advance(5000);
    assert.deepEqual(states(a, b), ["FAULT", "MASTER"]);
    assert.deepEqual(a.holder.calls, ["acquire", "release in order"]);
    a.instance.online();
    await timers.advance(500);
    assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
  });

  test("makes a lower backup master, which then stays", async () => {
    const { timers, a, b } = await pair();
    b.instance.takeover();
    await timers.advance(5000);
    assert.deepEqual(states(a, b), ["BACKUP", "MASTER"]);
    assert.equal(b.instance.status().priority, 254);
    b.instance.standby();
    await timers.advance(1000);
    assert.equal(b.instance.status().priority, 100);
    assert.equal(a.instance.state, "MASTER");
  });
});

describe("a sync group", () => {
  async function pairOfGroups() {
    const outer = link();
    const inner = link();
    const groupA = new SyncGroup("a");
    const groupB = new SyncGroup("b");
    // One clock: the inner link's directors are driven by the outer one's timers.
    const add = (
      network: VrrpNetwork,
      address: string,
      priority: number,
      group: SyncGroup,
      name: string,
    ): Director => {
      const holder = new RecordingHolder();
      const logger = new RecordingLogger();
      const instance = new Instance(
        { ...SETTINGS, name, priority },
        { timers: outer.timers, openTransport: network.attach(address), holder, logger, syncGroup: group },
      );
      return { address, instance, holder, events: [], logger };
    };
    const a1 = add(outer.network, "10.0.0.1", 150, groupA, "outer");
    const a2 = add(inner.network, "10.0.0.1", 150, groupA, "inner");
    const b1 = add(outer.network, "10.0.0.2", 100, groupB, "outer");
    const b2 = add(inner.network, "10.0.0.2", 100, groupB, "inner");
    for (const { instance } of [a1, a2, b1, b2]) instance.start();
    await outer.timers.advance(1000);
    assert.deepEqual(states(a1, a2, b1, b2), ["MASTER", "MASTER", "BACKUP", "BACKUP"]);
    return { timers: outer.timers, outer: outer.network, inner: inner.network, a1, a2, b1, b2 };
  }

  test("is master as a whole", async () => {
    await pairOfGroups();
  });

  test("moves as a whole when one member has a fault", async () => {
    const { timers, a1, a2, b1, b2 } = await pairOfGroups();
    a2.instance.setFault("test", "its link is down");
    await timers.advance(200);
    assert.deepEqual(states(a1, a2, b1, b2), ["FAULT", "FAULT", "MASTER", "MASTER"]);
    assert.deepEqual(a1.instance.status().faults, ["inner: its link is down"]);
    a2.instance.setFault("test", undefined);
    await timers.advance(1000);
    assert.deepEqual(states(a1, a2, b1, b2), ["MASTER", "MASTER", "BACKUP", "BACKUP"]);
  });

  test("does not become master while a member hears a better one", async () => {
    const { timers, inner, b1, b2 } = await pairOfGroups();
    inner.cut("10.0.0.1", true);
    await timers.advance(5000);
    assert.deepEqual(states(b1, b2), ["BACKUP", "BACKUP"]);
    assert.equal(b2.instance.isReady, true);
  });

  test("becomes master when the last member's master is silent", async () => {
    const { timers, inner, outer, b1, b2 } = await pairOfGroups();
    inner.cut("10.0.0.1", true);
    await timers.advance(1000);
    outer.cut("10.0.0.1", true);
    await timers.advance(362);
    assert.deepEqual(states(b1, b2), ["MASTER", "MASTER"]);
  });

  test("yields as a whole when one member hears a better master", async () => {
    const { timers, outer, inner, a1, a2, b1, b2 } = await pairOfGroups();
    outer.cut("10.0.0.1", true);
    inner.cut("10.0.0.1", true);
    await timers.advance(1000);
    assert.deepEqual(states(a1, a2, b1, b2), ["MASTER", "MASTER", "MASTER", "MASTER"]);
    outer.cut("10.0.0.1", false);
    await timers.advance(101);
    assert.deepEqual(states(b1, b2), ["BACKUP", "BACKUP"]);
  });
});

test("during the start-up delay nothing is sent and nothing is heard", async () => {
  const { timers, network, add } = link();
  const a = add("10.0.0.1", { startupDelayMs: 10_000 });
  a.instance.start();
  await timers.advance(9999);
  assert.equal(a.instance.state, "INIT");
  assert.equal(network.sent.length, 0);
  await timers.advance(500);
  assert.equal(a.instance.state, "MASTER");
});

test("unicast goes to each peer", async () => {
  const { timers, network, add } = link();
  const a = add("10.0.0.1", { unicast: { peers: [{ address: "10.0.0.2" }, { address: "10.0.0.3" }] } });
  a.instance.start();
  await timers.advance(450);
  assert.deepEqual(
    network.sent.slice(0, 2).map(({ destination }) => destination),
    ["10.0.0.2", "10.0.0.3"],
  );
});

test("the farewell that a guardian would send is an advertisement with priority 0", async () => {
  const { a } = await pair();
  const [{ destination, message }] = a.instance.farewell();
  assert.equal(destination, "224.0.0.18");
  assert.equal(message[2], 0);
});

test("a director can be started again after it was stopped", async () => {
  const { timers, a, b } = await pair();
  await a.instance.stop();
  await timers.advance(1000);
  a.instance.start();
  await timers.advance(1000);
  assert.deepEqual(states(a, b), ["MASTER", "BACKUP"]);
  await a.instance.stop();
  await b.instance.stop();
});
