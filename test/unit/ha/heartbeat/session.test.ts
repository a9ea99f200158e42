/** Sessions of a pair on links in memory: messages, counters, status, farewell, reload. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAuthKeys } from "../../../../src/ha/heartbeat/auth-keys.js";
import { encode } from "../../../../src/ha/heartbeat/codec.js";
import { Session } from "../../../../src/ha/heartbeat/session.js";
import type { HeartbeatSettings } from "../../../../src/ha/heartbeat/settings.js";
import type { LinkListener, OpenLink } from "../../../../src/ha/heartbeat/transport.js";
import type { HaEvent } from "../../../../src/ha/protocol.js";
import type { RawSockets } from "../../../../src/ha/raw-sockets.js";
import { HeldNote } from "../../../../src/ha/resources/held-note.js";
import { FakeInterfaces } from "../../../helpers/fake-interfaces.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";

const KEYS = "auth 1\n1 sha256 word\n";
const VIP = "10.79.0.100";

/** Every datagram that is sent reaches everybody else on the link. */
class Hub {
  readonly #listeners = new Map<string, Map<string, LinkListener>>();
  readonly sent: { readonly link: string; readonly datagram: Uint8Array }[] = [];
  /** A node that nothing reaches. */
  deaf = "";

  of(node: string): OpenLink {
    return (settings, _port, listener) => {
      const name = `${settings.kind} ${settings.interface}`;
      const link = this.#listeners.get(name) ?? new Map<string, LinkListener>();
      this.#listeners.set(name, link.set(node, listener));
      return {
        name,
        trouble: undefined,
        source: "10.79.0.1",
        destinations: ["10.79.0.255"],
        send: (datagram) => {
          this.sent.push({ link: name, datagram });
          for (const [to, other] of link)
            if (to !== node && to !== this.deaf) other.onDatagram(datagram, node);
        },
        refresh: () => {},
        close: () => link.delete(node),
      };
    };
  }

  inject(link: string, datagram: Uint8Array): void {
    for (const listener of this.#listeners.get(link)?.values() ?? [])
      listener.onDatagram(datagram, "10.79.0.66");
  }
}

interface Host {
  readonly session: Session;
  readonly interfaces: FakeInterfaces;
  readonly logger: RecordingLogger;
  readonly events: HaEvent[];
  open(changes: Partial<HeartbeatSettings>, predecessor?: Session): Session;
}

interface Fixture {
  readonly timers: FakeTimers;
  readonly hub: Hub;
  readonly a: Host;
  readonly b: Host;
}

/** A pair that has started; A holds the group. */
function withPair(use: (fixture: Fixture) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    const timers = new FakeTimers();
    const hub = new Hub();
    const keyFile = join(folder, "authkeys");
    writeFileSync(keyFile, KEYS);
    chmodSync(keyFile, 0o600);
    let generation = 1;
    const host = (node: string): Host => {
      const interfaces = new FakeInterfaces();
      const logger = new RecordingLogger();
      const events: HaEvent[] = [];
      const raw = {
        frames: () => ({ hardwareAddress: new Uint8Array(6), send: () => undefined }),
      } as unknown as RawSockets;
      const open = (changes: Partial<HeartbeatSettings>, predecessor?: Session): Session =>
        new Session(
          {
            node,
            nodes: ["a", "b"],
            links: [
              { kind: "bcast", interface: "eth0" },
              { kind: "bcast", interface: "eth1" },
            ],
            keyFile,
            generationFile: join(folder, "unused"),
            keepaliveMs: 100,
            deadMs: 1000,
            groups: [
              { name: "web", preferred: "a", floating: [{ address: VIP, prefix: 24, interface: "eth0" }] },
            ],
            ...changes,
          },
          {
            timers,
            raw,
            interfaces,
            note: new HeldNote(join(folder, `${node}.held`), logger),
            logger,
            onEvent: (event) => events.push(event),
            openLink: hub.of(node),
            generation: ++generation,
          },
          predecessor,
        );
      return { session: open({}), interfaces, logger, events, open };
    };
    const [a, b] = [host("a"), host("b")];
    a.session.start();
    b.session.start();
    await timers.advance(1000);
    assert.ok(a.interfaces.has("eth0", VIP));
    await use({ timers, hub, a, b });
  });
}

describe("a session", () => {
  test("adds the address on one of two, and tells its states in the words of all protocols", () =>
    withPair(async ({ a, b }) => {
      const [first] = a.session.status().instances;
      const [second] = b.session.status().instances;
      assert.deepEqual(
        [first.state, second.state, b.interfaces.has("eth0", VIP)],
        ["MASTER", "BACKUP", false],
      );
      assert.deepEqual([first.priority, first.basePriority, second.basePriority], [100, 100, 0]);
      assert.equal(second.master?.source, "a");
      const { heartbeat } = b.session.status();
      assert.deepEqual(heartbeat?.nodes[0].holds, ["web"]);
      assert.equal(heartbeat?.nodes[0].hasSameConfiguration, true);
      assert.deepEqual(
        heartbeat?.links.map(({ name, hears }) => [name, ...hears]),
        [
          ["bcast eth0", "a"],
          ["bcast eth1", "a"],
        ],
      );
      const transitions = a.events.flatMap((event) => (event.kind === "transition" ? [event.to] : []));
      assert.deepEqual(transitions, ["BACKUP", "MASTER"]);
    }));

  test("each message counts once, however many links carry it", () =>
    withPair(async ({ b }) => {
      const { received, duplicate } = b.session.counters;
      assert.ok(received > 5);
      assert.equal(duplicate, received);
    }));

  test("a stop removes the address before it says goodbye, on every link", () =>
    withPair(async ({ timers, hub, a, b }) => {
      hub.sent.length = 0;
      const stopped = a.session.stop();
      await timers.advance(100);
      await stopped;
      assert.equal(a.interfaces.has("eth0", VIP), false);
      const goodbyes = hub.sent.filter(({ datagram }) => Buffer.from(datagram).includes("t=shutdone"));
      assert.deepEqual(new Set(goodbyes.map(({ link }) => link)), new Set(["bcast eth0", "bcast eth1"]));
      assert.ok(b.interfaces.has("eth0", VIP));
      assert.equal(a.session.status().instances[0].state, "INIT");
    }));

  test("the message that a guardian sends in its place is believed at once", () =>
    withPair(async ({ timers, hub, a, b }) => {
      const farewells = a.session.farewells();
      assert.deepEqual(
        farewells.map(({ interface: device, destination, port }) => [device, destination, port]),
        [
          ["eth0", "10.79.0.255", 694],
          ["eth1", "10.79.0.255", 694],
        ],
      );
      a.session.retire();
      for (const { message } of farewells) hub.inject("bcast eth0", message);
      await timers.advance(10);
      assert.ok(b.interfaces.has("eth0", VIP));
      assert.equal(b.session.cluster.members[0].state, "left");
    }));

  test("what is refused is counted by reason, shown with its sender, and changes nothing", () =>
    withPair(async ({ timers, hub, b }) => {
      const fields = new Map([
        ...[
          ["t", "shutdone"],
          ["src", "a"],
          ["seq", "ffff"],
          ["hg", "ffff"],
          ["ts", "1"],
        ],
      ] as [string, string][]);
      const stranger = parseAuthKeys("auth 1\n1 sha256 other\n", "keys");
      for (let i = 0; i < 50; i++)
        hub.inject(
          "bcast eth0",
          encode(fields, (covered) => stranger.sign(covered)),
        );
      hub.inject("bcast eth0", Buffer.from("noise"));
      await timers.advance(500);
      const { counters, cluster } = b.session;
      assert.deepEqual([counters.wrong_digest, counters.malformed], [50, 1]);
      assert.equal(cluster.members[0].state, "active");
      const peer = b.session.status().instances[0].peers.find(({ source }) => source === "10.79.0.66");
      assert.equal(peer?.rejected?.reason, "malformed");
      const warnings = b.logger.messages.filter((message) => message.includes("the digest is wrong"));
      assert.equal(warnings.length, 1, "logged once");
    }));

  test("an old heartbeat is told which nodes there are, what is held, and that its messages have come", () =>
    withPair(async ({ timers, hub, a, b }) => {
      b.session.retire();
      const keys = parseAuthKeys(KEYS, "keys");
      const say = (fields: Record<string, string>): void => {
        const common = { src: "b", hg: "ffff", ts: "1" };
        hub.inject(
          "bcast eth0",
          encode(new Map(Object.entries({ ...fields, ...common })), (bytes) => keys.sign(bytes)),
        );
      };
      hub.sent.length = 0;
      say({ t: "reqnodes", seq: "1" });
      for (let seq = 2; seq <= 11; seq++) {
        say({ t: "status", st: "active", dt: "3e8", protocol: "1", seq: seq.toString(16) });
      }
      const texts = hub.sent.map(({ datagram }) => Buffer.from(datagram).toString("latin1"));
      const has = (...words: string[]): boolean =>
        texts.some((text) => words.every((word) => text.includes(word)));
      assert.ok(has("t=repnodes", "dest=b", "nodelist=a b "));
      assert.ok(has("t=NS_ackmsg", "dest=b", "ackseq=a"));
      assert.ok(has("t=resource", "rsc_hold=local", "isstable=1"));
      await timers.advance(10);
      assert.ok(a.interfaces.has("eth0", VIP));
    }));

  test("what uvs says to old heartbeats does not blur what it says to itself", () =>
    withPair(async ({ hub, b }) => {
      const keys = parseAuthKeys(KEYS, "keys");
      const fields = {
        t: "resource",
        rsc_hold: "none",
        isstable: "1",
        src: "a",
        hg: "ffff",
        ts: "1",
        seq: "1",
      };
      hub.inject(
        "bcast eth0",
        encode(new Map(Object.entries(fields)), (bytes) => keys.sign(bytes)),
      );
      assert.deepEqual(b.session.cluster.members[0].report?.holds, ["web"]);
    }));

  test("a director with another configuration is told of, once", () =>
    withPair(async ({ timers, a, b }) => {
      const successor = b.open({ autoFailback: false }, b.session);
      successor.start(b.session);
      await timers.advance(1000);
      const told = a.logger.messages.filter((message) => message.includes("another configuration"));
      assert.equal(told.length, 1);
      assert.equal(a.session.status().heartbeat?.nodes[0].hasSameConfiguration, false);
    }));

  test("a successor keeps groups that are the same, gives up others, and the peers do not notice", () =>
    withPair(async ({ timers, a, b }) => {
      const other = { name: "mail", preferred: "a", floating: [] };
      const before = a.session.settings.groups;
      const successor = a.open({ dampenMs: 500, groups: [...before, other] }, a.session);
      const asked = a.interfaces.asked.length;
      await a.session.dropAllBut(successor);
      successor.start(a.session);
      await timers.advance(2000);
      assert.equal(a.interfaces.asked.length, asked);
      assert.deepEqual(
        successor.status().instances.map(({ name, state }) => [name, state]),
        [
          ["web", "MASTER"],
          ["mail", "MASTER"],
        ],
      );
      assert.equal(b.interfaces.has("eth0", VIP), false);
      const last = a.open({ groups: [other] }, successor);
      const dropped = successor.dropAllBut(last);
      await timers.advance(100);
      await dropped;
      last.start(successor);
      assert.equal(a.interfaces.has("eth0", VIP), false);
    }));

  test("a successor leaves what was given away to who has it, also where that was said to nobody", () =>
    withPair(async ({ timers, hub, a, b }) => {
      const [web] = a.session.settings.groups;
      const successor = a.open({ groups: [{ ...web, announce: { repeat: 1 } }] }, a.session);
      const holders = (): boolean[] => [a, b].map(({ interfaces }) => interfaces.has("eth0", VIP));
      hub.deaf = "a";
      const dropped = a.session.dropAllBut(successor);
      await timers.advance(10);
      await dropped;
      successor.start(a.session);
      await timers.advance(10);
      hub.deaf = "";
      assert.deepEqual(holders(), [false, true]);
      await timers.advance(1000);
      assert.deepEqual(holders(), [true, false], "it goes home in order");
      assert.equal(successor.counters.conflict, 0);
    }));

  test("standby lasts over a change of the group's own configuration, until it is cleared", () =>
    withPair(async ({ timers, a, b }) => {
      a.session.standby({ scope: "all" });
      await timers.advance(1000);
      const [web] = a.session.settings.groups;
      const successor = a.open({ groups: [{ ...web, announce: { repeat: 1 } }] }, a.session);
      await a.session.dropAllBut(successor);
      successor.start(a.session);
      await timers.advance(3000);
      const [{ isStandby, state }] = successor.status().instances;
      assert.deepEqual([isStandby, state], [true, "FAULT"]);
      assert.deepEqual(successor.status().heartbeat?.standby, ["web"]);
      assert.equal(b.interfaces.has("eth0", VIP), true);
      successor.clear({ scope: "all" });
      await timers.advance(1000);
      assert.equal(a.interfaces.has("eth0", VIP), true);
    }));

  test("a change of configuration alone puts nothing to standby", () =>
    withPair(async ({ timers, a }) => {
      const [web] = a.session.settings.groups;
      const successor = a.open({ groups: [{ ...web, announce: { repeat: 1 } }] }, a.session);
      const dropped = a.session.dropAllBut(successor);
      await timers.advance(10);
      await dropped;
      successor.start(a.session);
      await timers.advance(3000);
      const [{ isStandby, state }] = successor.status().instances;
      assert.deepEqual([isStandby, state], [false, "MASTER"]);
    }));

  test("standby is refused, with the reason, where nobody could take over", () =>
    withPair(async ({ timers, a, b }) => {
      b.session.retire();
      await timers.advance(1500);
      assert.throws(() => a.session.standby({ scope: "all" }), /no other director can take web/);
      assert.ok(a.interfaces.has("eth0", VIP));
    }));
});
