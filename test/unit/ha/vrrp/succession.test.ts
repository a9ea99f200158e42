/** A master whose settings change hands over to an instance of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Instance } from "../../../../src/ha/vrrp/instance.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import type { InstanceEvent } from "../../../../src/ha/vrrp/status.js";
import { SyncGroup } from "../../../../src/ha/vrrp/sync-group.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingHolder } from "../../../helpers/recording-holder.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { VrrpNetwork } from "../../../helpers/vrrp-network.js";

const SETTINGS: InstanceSettings = {
  name: "vi",
  interface: "eth0",
  id: 51,
  version: 3,
  family: 4,
  priority: 150,
  advertMs: 100,
  addresses: ["10.0.0.100"],
};
const OWN = "10.0.0.1";

interface Made {
  readonly instance: Instance;
  readonly holder: RecordingHolder;
  readonly events: InstanceEvent[];
}

function bench(timers = new FakeTimers()) {
  const network = new VrrpNetwork();
  const make = (
    address: string,
    settings: Partial<InstanceSettings> = {},
    more: { predecessor?: Instance; syncGroup?: SyncGroup } = {},
  ): Made => {
    const holder = new RecordingHolder();
    const events: InstanceEvent[] = [];
    const instance = new Instance(
      { ...SETTINGS, ...settings },
      {
        timers,
        openTransport: network.attach(address),
        holder,
        logger: new RecordingLogger(),
        onEvent: (event) => events.push(event),
        ...more,
      },
    );
    return { instance, holder, events };
  };
  return { timers, network, make };
}

/** A is master, B backup. */
async function pair() {
  const { timers, network, make } = bench();
  const a = make(OWN);
  const b = make("10.0.0.2", { priority: 100 });
  a.instance.start();
  b.instance.start();
  await timers.advance(1000);
  assert.deepEqual([a.instance.state, b.instance.state], ["MASTER", "BACKUP"]);
  return { timers, network, make, a, b };
}

test("the successor is master at once, the peer notices nothing, and counters go on", async () => {
  const { timers, network, make, a, b } = await pair();
  const { transitions } = b.instance.status();
  const sent = a.instance.status().counters.advert_sent;
  assert.equal(a.instance.retire(), true);
  const next = make(OWN, { priority: 140 }, { predecessor: a.instance });
  next.instance.start(true);
  await timers.advance(1000);
  assert.deepEqual([next.instance.state, b.instance.state], ["MASTER", "BACKUP"]);
  assert.equal(b.instance.status().transitions, transitions);
  assert.ok(next.instance.status().counters.advert_sent > sent);
  assert.deepEqual(next.holder.calls, ["acquire"]);
  assert.deepEqual(a.holder.calls.includes("release at once"), false);
  const fromUs = network.sent.filter(({ source }) => source === OWN);
  assert.ok(
    fromUs.every(({ message }) => message[2] !== 0),
    "nobody is told that it leaves",
  );
  assert.equal(fromUs.at(-1)?.message[2], 140);
});

test("a retired instance sends nothing any more", async () => {
  const { timers, network, a } = await pair();
  a.instance.retire();
  const before = network.sent.filter(({ source }) => source === OWN).length;
  await timers.advance(200);
  assert.equal(network.sent.filter(({ source }) => source === OWN).length, before);
});

test("a backup that is retired leaves nothing to its successor", async () => {
  const { b } = await pair();
  assert.equal(b.instance.retire(), false);
});

test("a successor with a fault gives up what it has taken over, and tells the peer", async () => {
  const { timers, make, a, b } = await pair();
  a.instance.retire();
  const track = [{ kind: "interface" as const, name: "eth1" }];
  const next = make(OWN, { track }, { predecessor: a.instance });
  next.instance.track("interface", "eth1", "down");
  next.instance.start(true);
  await timers.advance(100);
  assert.deepEqual([next.instance.state, b.instance.state], ["FAULT", "MASTER"]);
  assert.deepEqual(next.holder.calls, ["acquire", "release at once"]);
  assert.equal(b.instance.status().lastTransition?.reason, "the master has left");
});

test("a successor that the peer is better than yields to it", async () => {
  const { timers, make, a, b } = await pair();
  a.instance.retire();
  const next = make(OWN, { priority: 50 }, { predecessor: a.instance });
  next.instance.start(true);
  await timers.advance(1000);
  assert.deepEqual([next.instance.state, b.instance.state], ["BACKUP", "MASTER"]);
});

test("a member of a sync group is replaced without the others leaving", async () => {
  const { timers, network, make } = bench();
  const inner = bench(timers);
  const syncGroup = new SyncGroup("both");
  const one = make(OWN, {}, { syncGroup });
  const other = inner.make(OWN, { name: "other", id: 52 }, { syncGroup });
  one.instance.start();
  other.instance.start();
  await timers.advance(1000);
  assert.deepEqual([one.instance.state, other.instance.state], ["MASTER", "MASTER"]);
  one.instance.retire();
  const next = make(OWN, { priority: 120 }, { predecessor: one.instance, syncGroup });
  next.instance.start(true);
  await timers.advance(1000);
  assert.deepEqual([next.instance.state, other.instance.state], ["MASTER", "MASTER"]);
  assert.equal(other.events.filter(({ kind }) => kind === "transition").length, 2);
  const sent = [...network.sent, ...inner.network.sent];
  assert.ok(sent.every(({ message }) => message[2] !== 0));
});
