/**
 * The rows of the state machine's table (RFC 9568 §6.4 with keepalived's FAULT) on the wire: one real director with a virtual
 * router for each manner, and two strangers, one of a lower and one of a higher address, who send what the row is about.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HaInstanceStatus } from "../../src/core/ha-status.js";
import { AdvertStranger, type ProbeOrder } from "../helpers/advert-stranger.js";
import { HaLab, type LabUvsd } from "../helpers/ha-lab.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
/** A stranger on a busy machine may be late. */
const DEAD_ADVERTS = 10;
const ADVERT_MS = 100;
/** Of a master that says nothing of itself while a test runs. */
const SLOW_MS = 40_000;
const PREEMPT_DELAY_MS = 4000;
const ROUTERS = {
  plain: { id: 51, priority: 100 },
  owner: { id: 52, priority: 255 },
  patient: { id: 53, priority: 150, preempt: false },
  delayed: { id: 54, priority: 150, "preempt-delay": PREEMPT_DELAY_MS / 1000 },
  tracked: { id: 55, priority: 150, track: { interfaces: ["uplink"] } },
  slow: { id: 56, priority: 100, advertise: SLOW_MS / 1000 },
};
type Name = keyof typeof ROUTERS;
const addressOf = (name: Name): string => `10.79.0.${100 + ROUTERS[name].id}`;

const CONFIG = JSON.stringify({
  threads: 1,
  ha: {
    floating: Object.values(ROUTERS).map(({ id }) => ({
      address: `10.79.0.${100 + id}/24`,
      interface: "eth0",
    })),
    vrrp: Object.entries(ROUTERS).map(([name, router]) => ({
      name,
      interface: "eth0",
      version: 3,
      advertise: ADVERT_MS / 1000,
      "dead-adverts": DEAD_ADVERTS,
      floating: [addressOf(name as Name)],
      ...router,
    })),
  },
});

/** A director between two strangers. */
class Scene {
  readonly #lab: HaLab;
  readonly director: LabUvsd;
  readonly low: AdvertStranger;
  readonly high: AdvertStranger;

  private constructor(lab: HaLab, director: LabUvsd, low: AdvertStranger, high: AdvertStranger) {
    this.#lab = lab;
    this.director = director;
    this.low = low;
    this.high = high;
  }

  /** @param masters what the higher stranger advertises before the director starts */
  static with(masters: readonly ProbeOrder[], use: (scene: Scene) => Promise<void>): Promise<void> {
    return HaLab.with(
      async (lab) => {
        const [low, director, high] = lab.directors;
        const strangers = await Promise.all([low, high].map((host) => AdvertStranger.start(lab.net, host)));
        for (const order of masters) strangers[1].send(order);
        const started = await lab.start(director, CONFIG);
        await use(new Scene(lab, started, strangers[0], strangers[1]));
      },
      ["low", "d", "high"],
    );
  }

  now(name: Name): Promise<HaInstanceStatus> {
    return this.director.instance(name);
  }

  /** Waits for a state, and whether the kernel agrees on the address. */
  async becomes(name: Name, state: HaInstanceStatus["state"], reason?: RegExp): Promise<void> {
    await this.director.becomes(state, name);
    if (reason !== undefined) assert.match((await this.now(name)).reason, reason);
    const holders = state === "MASTER" ? "d" : "";
    await waitFor(`the address is on: ${holders}`, () => this.holders(name) === holders);
  }

  holders(name: Name): string {
    return this.#lab.watch.holders(addressOf(name)).join();
  }

  /** Waits until a counter of a router has grown by this much. */
  async counts(name: Name, counter: string, more: number): Promise<void> {
    const count = async (): Promise<number> => (await this.now(name)).counters[counter];
    const before = await count();
    await waitFor(`${counter} grows by ${more}`, async () => (await count()) >= before + more, 20_000);
  }

  /** The tracked interface comes or goes. */
  setUplink(isThere: boolean): void {
    const ip = (...args: string[]): string =>
      this.#lab.net.run(this.#lab.directors[1], "ip", "link", ...args);
    if (!isThere) {
      ip("del", "uplink");
      return;
    }
    ip("add", "uplink", "type", "veth", "peer", "name", "router");
    for (const end of ["router", "uplink"]) ip("set", end, "up");
  }
}

/** What a stranger advertises again and again. */
const stream = (name: Name, priority: number, more: Partial<ProbeOrder> = {}): ProbeOrder => ({
  vrid: ROUTERS[name].id,
  priority,
  addresses: [addressOf(name)],
  everyMs: ADVERT_MS,
  ...more,
});
/** What it advertises once, and then nothing more. */
const once = (name: Name, priority: number): ProbeOrder => stream(name, priority, { everyMs: undefined });
const of =
  (name: Name, priority: number) =>
  (heard: { vrid: number; priority: number }): boolean =>
    heard.vrid === ROUTERS[name].id && heard.priority === priority;

describe("a virtual router", { skip }, () => {
  test("starts as its configuration and what it hears say", (t) =>
    Scene.with([stream("plain", 200, { intervalCs: 30 }), stream("patient", 50)], async (scene) => {
      const { high, low } = scene;

      await t.test("INIT: the owner of the addresses is master at once", () =>
        scene.becomes("owner", "MASTER", /^started as the owner of the addresses$/),
      );

      await t.test("INIT: with a fault it begins in FAULT, and ignores advertisements there", async () => {
        await scene.becomes("tracked", "FAULT", /^started with a fault$/);
        assert.deepEqual((await scene.now("tracked")).faults, ["interface uplink is down"]);
        high.send(stream("tracked", 0));
        await scene.counts("tracked", "not_taking_part", 5);
        assert.equal((await scene.now("tracked")).state, "FAULT");
        high.silence(ROUTERS.tracked.id);
      });

      await t.test("BACKUP: it follows a better master, and its interval", async () => {
        await scene.becomes("plain", "BACKUP");
        await scene.counts("plain", "advert_rcvd", 5);
        const { master, downMs, advertMs } = await scene.now("plain");
        assert.deepEqual([master?.source, master?.priority], ["10.79.0.3", 200]);
        assert.deepEqual([advertMs, downMs], [ADVERT_MS, DEAD_ADVERTS * 300 + (156 / 256) * 300]);
      });

      await t.test("BACKUP: an equal priority is followed, whatever the addresses", async () => {
        low.send(stream("plain", 100));
        high.silence(ROUTERS.plain.id);
        await waitFor("it follows", async () => (await scene.now("plain")).master?.source === "10.79.0.1");
        await scene.counts("plain", "advert_rcvd", 3 * DEAD_ADVERTS);
        assert.equal((await scene.now("plain")).state, "BACKUP");
      });

      await t.test(
        "BACKUP: when the master leaves it takes over, and advertises its own interval",
        async () => {
          const heard = high.hears(
            "its advertisement",
            (one) => of("plain", 100)(one) && one.intervalCs === 10,
          );
          low.send(once("plain", 0));
          await scene.becomes("plain", "MASTER", /^the master has left$/);
          await heard;
        },
      );

      await t.test("BACKUP without preempt: a lower master is followed, until it is silent", async () => {
        await scene.becomes("patient", "BACKUP");
        await scene.counts("patient", "advert_rcvd", 3 * DEAD_ADVERTS);
        assert.equal((await scene.now("patient")).state, "BACKUP");
        high.silence(ROUTERS.patient.id);
        await scene.becomes("patient", "MASTER", /^no master was heard$/);
      });

      await t.test("MASTER without preempt: it yields to a better one all the same", async () => {
        low.send(stream("patient", 200));
        await scene.becomes("patient", "BACKUP", /^a better master advertises$/);
      });
    }));

  test("answers what it hears as a master", (t) =>
    Scene.with([stream("tracked", 200)], async (scene) => {
      const { high, low, director } = scene;
      await scene.becomes("plain", "MASTER");
      // The only one that would say nothing by itself before the test is over.
      await director.client.haTakeover({ instance: "slow" });
      await scene.becomes("slow", "MASTER", /^taken over by the operator$/);

      await t.test("priority 0: it advertises at once", async () => {
        const heard = high.hears("an advertisement", of("slow", 254));
        high.send(once("slow", 0));
        await heard;
        assert.equal((await scene.now("slow")).state, "MASTER");
      });

      await t.test(
        "a lower priority: it advertises and announces at once, and counts the conflict",
        async () => {
          const { announcements, conflicts } = await scene.now("slow");
          const heard = high.hears("an advertisement", of("slow", 254));
          high.send(once("slow", 50));
          await heard;
          await waitFor("it announces", async () => (await scene.now("slow")).announcements > announcements);
          assert.equal((await scene.now("slow")).conflicts, conflicts + 1);
          assert.equal(scene.holders("slow"), "d");
        },
      );

      await t.test("a higher priority: it advertises a last time, and yields", async () => {
        const heard = high.hears("a last advertisement", of("slow", 254));
        high.send(once("slow", 255));
        await heard;
        await scene.becomes("slow", "BACKUP", /^a better master advertises$/);
      });

      await t.test("an equal priority from a lower address: it stays", async () => {
        low.send(stream("plain", 100));
        await scene.counts("plain", "advert_rcvd", 2 * DEAD_ADVERTS);
        assert.equal((await scene.now("plain")).state, "MASTER");
        low.silence(ROUTERS.plain.id);
      });

      await t.test("an equal priority from a higher address: it yields", async () => {
        high.send(stream("plain", 100));
        await scene.becomes("plain", "BACKUP", /^a better master advertises$/);
        assert.equal((await scene.now("plain")).master?.source, "10.79.0.3");
      });

      await t.test(
        "rejected advertisements put no backup's takeover off, and silence no master",
        async () => {
          low.send(stream("plain", 255, { everyMs: 2, isDamaged: true }));
          high.silence(ROUTERS.plain.id);
          await scene.becomes("plain", "MASTER", /^no master was heard$/);
          await scene.counts("plain", "checksum_err", 500);
          const sent = scene.counts("plain", "advert_sent", 2 * DEAD_ADVERTS);
          await high.hears("an advertisement", of("plain", 100));
          await sent;
          const { state, master, peers } = await scene.now("plain");
          assert.deepEqual([state, master], ["MASTER", undefined]);
          assert.equal(peers.find(({ source }) => source === "10.79.0.1")?.rejected?.reason, "checksum_err");
          low.silence(ROUTERS.plain.id);
        },
      );

      await t.test("a lower master is left alone for the preempt-delay", async () => {
        high.send(stream("delayed", 200));
        await scene.becomes("delayed", "BACKUP");
        const beganMs = performance.now();
        high.send(stream("delayed", 50));
        await scene.becomes("delayed", "MASTER");
        assert.ok(performance.now() - beganMs >= PREEMPT_DELAY_MS);
        high.silence(ROUTERS.delayed.id);
      });
    }));

  test("has faults, and ends", (t) =>
    Scene.with([stream("tracked", 200), stream("patient", 50)], async (scene) => {
      const { high, director } = scene;
      const farewells = (name: Name): number => high.heard.filter(of(name, 0)).length;

      await t.test("FAULT: when it is over it waits as a backup", async () => {
        await scene.becomes("tracked", "FAULT");
        scene.setUplink(true);
        await scene.becomes("tracked", "BACKUP", /^all faults are gone$/);
      });

      await t.test("BACKUP: a fault, without a word", async () => {
        scene.setUplink(false);
        await scene.becomes("tracked", "FAULT", /^a fault$/);
        scene.setUplink(true);
        await scene.becomes("tracked", "BACKUP");
        assert.equal(farewells("tracked"), 0);
      });

      await t.test("MASTER: a fault, with priority 0 once the address is gone", async () => {
        high.silence(ROUTERS.tracked.id);
        await scene.becomes("tracked", "MASTER", /^no master was heard$/);
        const heard = high.hears("priority 0", of("tracked", 0));
        scene.setUplink(false);
        await scene.becomes("tracked", "FAULT", /^a fault$/);
        await heard;
      });

      await t.test("the end: a master says it, a backup does not", async () => {
        await scene.becomes("plain", "MASTER");
        await scene.becomes("patient", "BACKUP");
        const heard = high.hears("priority 0", of("plain", 0));
        await director.stop();
        await heard;
        assert.equal(farewells("patient"), 0);
        for (const name of ["plain", "owner", "tracked"] as const) assert.equal(scene.holders(name), "");
      });
    }));
});
