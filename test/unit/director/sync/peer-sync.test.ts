/** Two directors' links over loopback: real sockets, real replicas, everything else recorded. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { NOTHING_READ, type TemplateBatch } from "../../../../src/balancer/template-stream.js";
import { DrainShare } from "../../../../src/director/sync/drain-share.js";
import type { HealthRecord } from "../../../../src/director/sync/health-share.js";
import { PeerSync } from "../../../../src/director/sync/peer-sync.js";
import { TemplateReplica } from "../../../../src/forwarder/template-replica.js";
import type { HandoverWord, RouterStanding } from "../../../../src/ha/handover.js";
import { SystemTimers, type Timers } from "../../../../src/ha/timers.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { loopbackAddress } from "../../../helpers/tcp.js";
import { waitFor } from "../../../helpers/wait-for.js";

const PORT = 28695;
const SERVICE = { protocol: "tcp", address: "192.0.2.1", port: 80 } as const;
const SERVER = { address: "192.0.2.2", port: 80 };

/** One director: what its links were told is kept. */
class Peer {
  readonly logger = new RecordingLogger();
  readonly replica: TemplateReplica;
  readonly obeyed: boolean[] = [];
  readonly healths: unknown[] = [];
  readonly words: HandoverWord[] = [];
  readonly sync: PeerSync;
  drainedSince: string | undefined;
  known: HealthRecord[] = [];

  constructor(
    t: TestContext,
    node: string,
    address: string,
    peers: readonly string[],
    key = "k".repeat(32),
    timers: Timers = new SystemTimers(),
  ) {
    const folder = mkdtempSync(join(tmpdir(), "uvs-sync-"));
    const keyFile = join(folder, "key");
    writeFileSync(keyFile, key, { mode: 0o600 });
    this.replica = new TemplateReplica({ templates: 10_000, services: 8, realservers: 8 }, timers);
    this.sync = new PeerSync(
      {
        node,
        listen: { address, port: PORT },
        peers: peers.map((peer) => ({ address: peer, port: PORT })),
        keyFile,
      },
      {
        timers,
        logger: this.logger,
        replica: this.replica,
        merge: async () => {},
        drains: new DrainShare({
          servers: () => [{ service: SERVICE, server: SERVER, drainedSince: this.drainedSince }],
          obey: (_service, _server, isDrained) => {
            this.obeyed.push(isDrained);
            this.drainedSince = isDrained ? new Date().toISOString() : undefined;
          },
        }),
        health: {
          all: () => this.known,
          changes: () => [],
          take: (records) => void this.healths.push(records),
        },
        takeOver: (word) => void this.words.push(word),
      },
    );
    t.after(() => {
      this.sync.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    this.sync.start();
  }

  /** What the forwarder of this director says of clients 10.0.0.x. */
  make(first: number, count: number): void {
    const upserts: number[] = [];
    for (let i = first; i < first + count; i++) {
      upserts.push(0, 0x0a000000 + i, 0, 0, 0, 0, 300_000, 300_000, 0, 1);
    }
    this.replica.apply(
      {
        position: NOTHING_READ,
        isWhole: false,
        hasMore: false,
        virtuals: ["tcp://192.0.2.1:80"],
        servers: ["192.0.2.2:80"],
        removals: [],
        upserts,
      } satisfies TemplateBatch,
      true,
    );
    this.sync.templatesChanged();
  }
}

function pair(t: TestContext): [Peer, Peer] {
  const [here, there] = [loopbackAddress(), loopbackAddress()];
  return [new Peer(t, "a", here, [there]), new Peer(t, "b", there, [here])];
}

const bothWays = (a: Peer, b: Peer) =>
  waitFor("both are told by both", () =>
    [a, b].every(
      ({ sync }) => sync.status().receivers.length === 1 && sync.status().sources[0].state === "connected",
    ),
  );

const standing = (state: RouterStanding["state"], priority: number, source: string): RouterStanding => ({
  id: 51,
  family: 4,
  state,
  priority,
  source,
});

describe("links of a director to its peers", () => {
  test("bring over everything on joining, then what changes", async (t) => {
    const [here, there] = [loopbackAddress(), loopbackAddress()];
    const a = new Peer(t, "a", here, [there]);
    a.make(0, 3000);
    const b = new Peer(t, "b", there, [here]);
    await waitFor("b knows all", () => b.replica.count === 3000);
    a.make(3000, 1);
    await waitFor("b knows the new one", () => b.replica.count === 3001);
    assert.equal(a.sync.status().receivers[0].full, 1);
    assert.equal(b.sync.status().sources[0].received, 3001);
  });

  test("bring over nothing twice when a connection was lost, and everything to a director that has lost it", async (t) => {
    const [a, b] = pair(t);
    a.make(0, 100);
    await waitFor("b knows all", () => b.replica.count === 100);
    b.sync.stop();
    a.make(100, 100);
    b.sync.start();
    await waitFor("b knows the rest", () => b.replica.count === 200);
    assert.equal(b.sync.status().sources[0].received, 200);
    b.sync.wantAll();
    await waitFor("b was told again", () => b.sync.status().sources[0].received === 400);
  });

  test("are made in both directions as soon as a peer that was away comes back", async (t) => {
    const [here, there] = [loopbackAddress(), loopbackAddress()];
    const timers = new FakeTimers();
    const a = new Peer(t, "a", here, [there], undefined, timers);
    await waitFor("nobody is there", () => a.sync.status().sources[0].state === "waiting");
    const b = new Peer(t, "b", there, [here]);
    await bothWays(a, b);
    assert.equal(timers.nowMs(), 0, "without waiting for the pause");
  });

  test("refuse a peer with another key, and both say so plainly", async (t) => {
    const [here, there] = [loopbackAddress(), loopbackAddress()];
    const a = new Peer(t, "a", here, [there], "x".repeat(32));
    const b = new Peer(t, "b", there, [here]);
    a.make(0, 10);
    await waitFor("both have said it", () =>
      [a, b].every(({ logger }) => logger.messages.some((message) => /has another key/.test(message))),
    );
    assert.equal(b.replica.count, 0);
    assert.ok(b.sync.status().counters.refusedKeys > 0);
    assert.match(b.sync.status().sources[0].lastFailure ?? "", /has another key|ended the connection/);
  });

  test("let a drain on one be a drain on the other, and so its end; the last word counts, also after a silence", async (t) => {
    const [a, b] = pair(t);
    await bothWays(a, b);
    a.drainedSince = new Date().toISOString();
    a.sync.recordChanged();
    await waitFor("b drains", () => b.obeyed.length === 1);
    b.sync.recordChanged();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(a.obeyed, [], "what was obeyed is not told back");
    await waitFor("the clock has moved on", () => Date.now() > Date.parse(b.drainedSince ?? ""));
    a.sync.stop();
    b.drainedSince = undefined;
    b.sync.recordChanged();
    a.sync.start();
    await waitFor("a undrains", () => a.obeyed.length === 1);
    assert.deepEqual([a.obeyed, b.obeyed], [[false], [true]]);
  });

  test("tell what checks have found when a peer joins", async (t) => {
    const [here, there] = [loopbackAddress(), loopbackAddress()];
    const a = new Peer(t, "a", here, []);
    a.known = [{ service: "tcp://192.0.2.1:80", realserver: "192.0.2.2:80", checks: "ud?" }];
    const b = new Peer(t, "b", there, [here]);
    await waitFor("b was told", () => b.healths.length === 1);
    assert.deepEqual(b.healths, [a.known]);
  });

  test("carry the word of a master that leaves to the best of those that wait, and to nobody else", async (t) => {
    const [one, two, three] = [loopbackAddress(), loopbackAddress(), loopbackAddress()];
    const a = new Peer(t, "a", one, [two, three]);
    const b = new Peer(t, "b", two, [one]);
    const c = new Peer(t, "c", three, [one]);
    await waitFor("a knows both and is known to both", () => {
      const { receivers, sources } = a.sync.status();
      return receivers.length === 2 && sources.every(({ state }) => state === "connected");
    });
    const word = { id: 51, family: 4, source: "192.0.2.11" } as const;
    a.sync.handOver(word);
    b.sync.setRouters([standing("BACKUP", 100, "192.0.2.12")]);
    c.sync.setRouters([standing("FAULT", 200, "192.0.2.13")]);
    await waitFor("the word has come to b", () => {
      a.sync.handOver(word);
      return b.words.length > 0;
    });
    const before = b.words.length;
    c.sync.setRouters([standing("BACKUP", 100, "192.0.2.13")]);
    await waitFor("the word has come to c", () => {
      a.sync.handOver(word);
      return c.words.length > 0;
    });
    assert.deepEqual(c.words[0], word);
    const after = b.words.length;
    a.sync.handOver(word);
    await waitFor("the next word has come to c", () => c.words.length > 1);
    assert.equal(b.words.length, after);
    assert.ok(after >= before);
  });

  test("end with a peer whose messages make no sense, and are made anew", async (t) => {
    const [a, b] = pair(t);
    await bothWays(a, b);
    a.sync.setRouters([{ ...standing("BACKUP", 100, "nowhere") }]);
    await waitFor("b has refused it", () => b.sync.status().counters.refusedMessages > 0);
    assert.match(
      b.logger.messages.join("\n"),
      /a \(.*\) is not heard: a peer's message: source is no address/,
    );
    a.sync.setRouters([]);
    await bothWays(a, b);
  });
});
