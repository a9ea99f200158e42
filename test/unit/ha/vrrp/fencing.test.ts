/** Masters that are lost without a word, with real fence commands: directors on links in memory, time moved by the test. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Instance } from "../../../../src/ha/vrrp/instance.js";
import { type PeerFenceSettings, PeerFencing } from "../../../../src/ha/vrrp/peer-fencing.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import type { InstanceEvent } from "../../../../src/ha/vrrp/status.js";
import { SyncGroup } from "../../../../src/ha/vrrp/sync-group.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { RecordingHolder } from "../../../helpers/recording-holder.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../../helpers/temporary-folder.js";
import { VrrpNetwork } from "../../../helpers/vrrp-network.js";
import { VRRP_SETTINGS as SETTINGS } from "../../../helpers/vrrp-settings.js";
import { waitFor } from "../../../helpers/wait-for.js";

const MASTER = "10.0.0.1";
const BACKUP = "10.0.0.2";
/** Longer than any down time here. */
const SILENCE_MS = 400;
/** A command that succeeds when it is permitted. */
const PATIENT = 'while [ ! -e "$(dirname "$0")/permit" ]; do sleep 0.02; done';

interface Made {
  readonly instance: Instance;
  readonly holder: RecordingHolder;
  readonly events: InstanceEvent[];
}

interface Bench {
  readonly timers: FakeTimers;
  readonly network: VrrpNetwork;
  readonly logger: RecordingLogger;
  readonly fencing: PeerFencing;
  readonly folder: string;
  /** Directors that fencing was told to fence, one line per run of the command. */
  runs(): string[];
  /** Lets the command succeed from now on. */
  permit(): void;
  make(
    address: string,
    settings?: Partial<InstanceSettings>,
    more?: { network?: VrrpNetwork; syncGroup?: SyncGroup; predecessor?: Instance },
  ): Made;
  /** Somebody who is lost: a master that the first one follows. Fences nobody. */
  lvs1(settings?: Partial<InstanceSettings>, network?: VrrpNetwork, address?: string): Made;
}

/** @param script of the command; without it, it fails until it is permitted */
function withBench(use: (bench: Bench) => Promise<void>, script?: string): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    const timers = new FakeTimers();
    const network = new VrrpNetwork();
    const logger = new RecordingLogger();
    const instances: Instance[] = [];
    const path = join(folder, "fence");
    const body = script ?? `[ -e ${folder}/permit ] || { echo no answer; exit 1; }`;
    writeFileSync(path, `#!/bin/sh\necho "$@" >> ${folder}/runs\n${body}\n`, { mode: 0o755 });
    const entry: PeerFenceSettings = {
      node: "lvs1",
      addresses: [MASTER, "10.0.1.1"],
      command: { path, args: [] },
      retryMs: 5000,
    };
    const fencing = new PeerFencing([entry], {
      timers,
      logger,
      onResult: (result, waiting) => {
        for (const one of instances.filter(({ fencing: { waiter } }) => waiting.has(waiter)))
          one.fenceEnded(result);
      },
    });
    const build = (
      address: string,
      settings: Partial<InstanceSettings>,
      on: VrrpNetwork,
      more: object,
    ): Made => {
      const holder = new RecordingHolder();
      const events: InstanceEvent[] = [];
      const instance = new Instance(
        { ...SETTINGS, ...settings },
        {
          timers,
          openTransport: on.attach(address),
          holder,
          logger,
          onEvent: (event) => events.push(event),
          ...more,
        },
      );
      return { instance, holder, events };
    };
    const bench: Bench = {
      timers,
      network,
      logger,
      fencing,
      folder,
      runs: () =>
        existsSync(`${folder}/runs`) ? readFileSync(`${folder}/runs`, "utf8").trim().split("\n") : [],
      permit: () => writeFileSync(`${folder}/permit`, ""),
      make(address, settings = {}, { network: on = network, ...more } = {}) {
        const made = build(address, settings, on, { fencing, ...more });
        const { predecessor } = more;
        if (predecessor !== undefined) instances.splice(instances.indexOf(predecessor), 1);
        instances.push(made.instance);
        return made;
      },
      lvs1: (settings = {}, on = network, address = MASTER) =>
        build(address, { priority: 150, ...settings }, on, {}),
    };
    try {
      await use(bench);
    } finally {
      fencing.stop();
    }
  });
}

/** A backup that follows a master, which then falls silent for long enough. */
async function lost(bench: Bench, settings: Partial<InstanceSettings> = {}): Promise<Made & { peer: Made }> {
  const { timers, network, make, lvs1 } = bench;
  const peer = lvs1();
  const own = make(BACKUP, settings);
  peer.instance.start();
  own.instance.start();
  await timers.advance(1000);
  assert.deepEqual([peer.instance.state, own.instance.state], ["MASTER", "BACKUP"]);
  network.cut(MASTER, true);
  await timers.advance(SILENCE_MS);
  return { ...own, peer };
}

const sentBy = (network: VrrpNetwork, address: string): number =>
  network.sent.filter(({ source }) => source === address).length;

describe("a master that is lost without a word", () => {
  test("is fenced once, and only then the backup becomes master", () =>
    withBench(async (bench) => {
      const { instance, holder, events } = await lost(bench);
      await waitFor("it is being fenced", () => bench.runs().length === 1);
      assert.deepEqual([instance.state, holder.calls], ["BACKUP", []]);
      assert.equal(sentBy(bench.network, BACKUP), 0);
      bench.permit();
      await waitFor("it is master", () => instance.state === "MASTER");
      assert.deepEqual(holder.calls, ["acquire"]);
      const { lastTransition, counters, waitsFor } = instance.status();
      assert.equal(lastTransition?.reason, "the lost master is fenced");
      assert.deepEqual([counters.fenced, counters.fence_failed, waitsFor], [1, 0, undefined]);
      assert.deepEqual(
        events.find(({ kind }) => kind === "fencing"),
        {
          kind: "fencing",
          instance: "vi",
          node: "lvs1",
          isDone: true,
          reason: "exit status 0",
          attempt: 1,
        },
      );
      await bench.timers.advance(10_000);
      assert.deepEqual(bench.runs(), ["reset lvs1"]);
    }, PATIENT));

  test("and cannot be fenced: nothing is taken or sent, that is said loudly, and it is tried again until it succeeds", () =>
    withBench(async (bench) => {
      const { instance, holder } = await lost(bench);
      const { timers, logger, network } = bench;
      await waitFor("a failure", () => instance.status().counters.fence_failed === 1);
      assert.equal(
        instance.status().waitsFor,
        "fencing lvs1, attempt 2 (the last one failed: exit status 1: no answer)",
      );
      assert.match(
        logger.records.find(({ level }) => level === "error")?.message ?? "",
        /lvs1 COULD NOT BE FENCED, so nothing that it may hold is taken: exit status 1: no answer/,
      );
      // The down timer runs out again and again meanwhile.
      await timers.advance(4900);
      assert.deepEqual(bench.runs(), ["reset lvs1"]);
      assert.deepEqual([instance.state, holder.calls, sentBy(network, BACKUP)], ["BACKUP", [], 0]);
      bench.permit();
      await timers.advance(200);
      await waitFor("it is master", () => instance.state === "MASTER");
      assert.deepEqual(bench.runs(), ["reset lvs1", "reset lvs1"]);
    }));

  test("and is heard again: the command is ended, and nothing is taken", () =>
    withBench(async (bench) => {
      const { instance, holder } = await lost(bench);
      await waitFor("it is being fenced", () => bench.runs().length === 1);
      bench.network.cut(MASTER, false);
      await bench.timers.advance(100);
      assert.equal(instance.status().waitsFor, undefined);
      await waitFor("the command has ended", () =>
        bench.logger.records.some(({ message }) => /was to fence lvs1 was ended: stopped/.test(message)),
      );
      await bench.timers.advance(10_000);
      assert.deepEqual([instance.state, holder.calls, bench.runs().length], ["BACKUP", [], 1]);
    }, "exec sleep 60"));

  test("and is heard when the command has succeeded already: it stays master", () =>
    withBench(async (bench) => {
      const { instance, holder } = await lost(bench);
      // The advertisement lies in the socket, unread.
      bench.network.stall(BACKUP, true);
      bench.network.cut(MASTER, false);
      await bench.timers.advance(100);
      bench.permit();
      await waitFor("the result has come", () => instance.status().counters.fenced === 1);
      assert.deepEqual([instance.state, holder.calls], ["BACKUP", []]);
    }, PATIENT));

  test("is fenced for a successor too, after a reload, and the command is not run again for it", () =>
    withBench(async (bench) => {
      const { instance } = await lost(bench);
      await waitFor("it is being fenced", () => bench.runs().length === 1);
      instance.retire();
      const next = bench.make(BACKUP, { priority: 120 }, { predecessor: instance });
      next.instance.start();
      await bench.timers.advance(SILENCE_MS);
      assert.equal(next.instance.status().waitsFor, "fencing lvs1, attempt 1");
      bench.permit();
      await waitFor("it is master", () => next.instance.state === "MASTER");
      assert.deepEqual(bench.runs(), ["reset lvs1"]);
    }, PATIENT));

  test("is taken over from by the operator's word, without fencing", () =>
    withBench(async (bench) => {
      const { instance } = await lost(bench);
      await waitFor("a failure", () => instance.status().counters.fence_failed === 1);
      instance.takeover();
      assert.equal(instance.state, "MASTER");
      await bench.timers.advance(20_000);
      assert.equal(bench.runs().length, 1);
    }));

  test("is not forgotten by a fault that comes meanwhile", () =>
    withBench(async (bench) => {
      const { instance, holder } = await lost(bench);
      await waitFor("a failure", () => instance.status().counters.fence_failed === 1);
      instance.setFault("test", "no");
      assert.deepEqual([instance.state, instance.status().waitsFor], ["FAULT", undefined]);
      await bench.timers.advance(10_000);
      assert.equal(bench.runs().length, 1, "a director with a fault fences nobody");
      instance.setFault("test", undefined);
      await bench.timers.advance(SILENCE_MS);
      assert.equal(instance.status().waitsFor, "fencing lvs1, attempt 1");
      assert.deepEqual([instance.state, holder.calls], ["BACKUP", []]);
    }));

  test("whose entry is removed is not waited for any more", () =>
    withBench(async (bench) => {
      const { instance } = await lost(bench);
      await waitFor("a failure", () => instance.status().counters.fence_failed === 1);
      assert.equal(bench.fencing.change([], new Set([instance.fencing.waiter])), true);
      await bench.timers.advance(SILENCE_MS);
      assert.equal(instance.state, "MASTER");
    }));

  test("is fenced once for all who have lost it", () =>
    withBench(async (bench) => {
      const { timers, network, make, lvs1 } = bench;
      const second = new VrrpNetwork();
      const peers = [lvs1(), lvs1({ id: 52 }, second, "10.0.1.1")];
      const own = [make(BACKUP), make("10.0.1.2", { name: "vj", id: 52, priority: 50 }, { network: second })];
      for (const { instance } of [...peers, ...own]) instance.start();
      await timers.advance(1000);
      bench.permit();
      network.cut(MASTER, true);
      second.cut("10.0.1.1", true);
      await timers.advance(SILENCE_MS);
      await waitFor("both are masters", () => own.every(({ instance }) => instance.state === "MASTER"));
      assert.deepEqual(bench.runs(), ["reset lvs1"]);
    }));
});

describe("nobody is fenced", () => {
  const nobody = (bench: Bench, { instance }: Made): void => {
    assert.deepEqual([instance.state, bench.runs()], ["MASTER", []]);
  };

  test("where a master says that it leaves", () =>
    withBench(async (bench) => {
      const peer = bench.lvs1();
      const own = bench.make(BACKUP);
      peer.instance.start();
      own.instance.start();
      await bench.timers.advance(1000);
      await peer.instance.stop();
      await bench.timers.advance(SILENCE_MS);
      nobody(bench, own);
    }));

  test("where a master hands over", () =>
    withBench(async (bench) => {
      const own = await lost(bench);
      own.instance.handedOver(MASTER);
      assert.equal(own.instance.state, "MASTER");
      await waitFor("the command has ended", () =>
        bench.logger.records.some(({ message }) => /was to fence lvs1 was ended/.test(message)),
      );
    }, "exec sleep 60"));

  test("where a higher priority preempts a master that lives", () =>
    withBench(async (bench) => {
      const peer = bench.lvs1();
      peer.instance.start();
      await bench.timers.advance(1000);
      const own = bench.make(BACKUP, { priority: 200 });
      own.instance.start();
      await bench.timers.advance(1000);
      nobody(bench, own);
      assert.equal(peer.instance.state, "BACKUP");
    }));

  test("where no master was ever heard", () =>
    withBench(async (bench) => {
      const own = bench.make(BACKUP);
      own.instance.start();
      await bench.timers.advance(1000);
      nobody(bench, own);
    }));

  test("where the lost master has no fence command", () =>
    withBench(async (bench) => {
      const peer = bench.lvs1({}, bench.network, "10.0.0.7");
      const own = bench.make(BACKUP);
      peer.instance.start();
      own.instance.start();
      await bench.timers.advance(1000);
      bench.network.cut("10.0.0.7", true);
      await bench.timers.advance(SILENCE_MS);
      nobody(bench, own);
    }));

  test("where the master has left while this director had a fault", () =>
    withBench(async (bench) => {
      const peer = bench.lvs1();
      const own = bench.make(BACKUP);
      peer.instance.start();
      own.instance.start();
      await bench.timers.advance(1000);
      own.instance.setFault("test", "no");
      await peer.instance.stop();
      own.instance.setFault("test", undefined);
      await bench.timers.advance(SILENCE_MS);
      nobody(bench, own);
    }));
});

describe("a sync group", () => {
  /** Two links; lvs1 is master on both, and this director follows it on both. */
  async function group(bench: Bench) {
    const { timers, network, make, lvs1 } = bench;
    const inner = new VrrpNetwork();
    const syncGroup = new SyncGroup("both");
    const peers = [lvs1(), lvs1({ id: 52 }, inner, "10.0.1.1")];
    const own = [
      make(BACKUP, {}, { syncGroup }),
      make("10.0.1.2", { name: "inner", id: 52 }, { network: inner, syncGroup }),
    ];
    for (const { instance } of [...peers, ...own]) instance.start();
    await timers.advance(1000);
    const states = (): string[] => own.map(({ instance }) => instance.state);
    assert.deepEqual(states(), ["BACKUP", "BACKUP"]);
    return { network, inner, own, states };
  }

  test("waits as one, and fences once", () =>
    withBench(async (bench) => {
      const { network, inner, own, states } = await group(bench);
      network.cut(MASTER, true);
      inner.cut("10.0.1.1", true);
      await bench.timers.advance(2 * SILENCE_MS);
      await waitFor("a failure", () => own[1].instance.status().counters.fence_failed === 1);
      assert.deepEqual(states(), ["BACKUP", "BACKUP"]);
      assert.match(own[0].instance.status().waitsFor ?? "", /fencing lvs1, attempt 2/);
      bench.permit();
      await bench.timers.advance(5000);
      await waitFor("both are masters", () => states().join() === "MASTER,MASTER");
      assert.deepEqual(bench.runs(), ["reset lvs1", "reset lvs1"], "one failure, one success");
    }));

  test("fences nobody as long as one of its members hears its master", () =>
    withBench(async (bench) => {
      const { network, states } = await group(bench);
      network.cut(MASTER, true);
      await bench.timers.advance(5000);
      assert.deepEqual([states(), bench.runs()], [["BACKUP", "BACKUP"], []]);
    }));

  test("ends the command when any member hears its master again", () =>
    withBench(async (bench) => {
      const { network, inner, own, states } = await group(bench);
      network.cut(MASTER, true);
      inner.cut("10.0.1.1", true);
      await bench.timers.advance(2 * SILENCE_MS);
      await waitFor("it is being fenced", () => bench.runs().length === 1);
      network.cut(MASTER, false);
      await bench.timers.advance(100);
      assert.equal(own[1].instance.status().waitsFor, undefined);
      await bench.timers.advance(5000);
      assert.deepEqual([states(), bench.runs().length], [["BACKUP", "BACKUP"], 1]);
    }, "exec sleep 60"));
});
