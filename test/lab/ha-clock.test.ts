/**
 * The wall clock of a director is set forth by an hour and back by two while it runs: real directors, each with a clock of its
 * own. Everything that has a deadline runs on the monotonic clock, so nothing may come of it.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { HaInstanceStatus } from "../../src/core/ha-status.js";
import { FakeClock, fakeClockMissing } from "../helpers/fake-clock.js";
import { HaLab, haConfig, type LabUvsd, VIP } from "../helpers/ha-lab.js";
import { HeartbeatDirectors } from "../helpers/heartbeat-directors.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing() ?? fakeClockMissing();
const UVS = fileURLToPath(new URL("../../src/bin/uvs.js", import.meta.url));
const SERVICE = { protocol: "tcp", address: VIP, port: 80 } as const;
const REALSERVER = { address: "10.79.0.20", port: 8080 };
/** Hours from the right time: forth by one, back by two, right again. */
const SETTINGS = [1, -1, 0];

function clockOf({ net }: HaLab, name: string): FakeClock {
  return new FakeClock(join(net.folder, `${name}.clock`));
}

/** Runs a director with its clock. */
const withClock = (clock: FakeClock): string[] => ["env", ...clock.environment];

/** What `uvs ha status` says on a director's host, by the host's own clock. */
function haStatusText({ net, a }: HaLab, clock: FakeClock): string {
  const socket = join(net.folder, "a.sock");
  return net.run(a, ...withClock(clock), process.execPath, UVS, "--socket", socket, "ha", "status");
}

/** Waits until a director has sent several dead times' worth of advertisements. */
async function advertises(director: LabUvsd): Promise<void> {
  const sent = async (): Promise<number> => (await director.instance()).counters["advert_sent"];
  const before = await sent();
  await waitFor("it goes on advertising", async () => (await sent()) > before + 40, 30_000);
}

test("a VRRP master whose clock is set", { skip }, (t) =>
  HaLab.with(async (lab) => {
    const { net, a, b } = lab;
    const keyFile = join(net.folder, "key");
    writeFileSync(keyFile, "a key that two directors have in the lab", { mode: 0o600 });
    const config = (priority: number, own: string, peer: string): string =>
      haConfig(
        priority,
        "dead-adverts: 10",
        `sync: { node: ${own}, listen: ${own === "a" ? a.address : b.address}, peers: [ ${peer} ], key-file: ${keyFile} }`,
        "persistence: { timeout: 300s }",
      );
    const clock = clockOf(lab, "a");
    const first = await lab.start(a, config(150, "a", b.address), withClock(clock));
    await first.becomes("MASTER");
    let second = await lab.start(b, config(100, "b", a.address));
    const linked = (): Promise<void> =>
      waitFor("the directors are linked both ways", async () => {
        const statuses = await Promise.all([first, second].map(({ client }) => client.haStatus()));
        return statuses.every(
          ({ sync }) => sync?.receivers.length === 1 && sync.sources[0].state === "connected",
        );
      });
    const drained = async (director: LabUvsd): Promise<string | undefined> => {
      const { services } = await director.client.status();
      return services[0].realservers[0].drain?.since;
    };
    await linked();
    await lab.serves();
    const before = await first.instance();

    for (const hours of SETTINGS) {
      await t.test(`to ${hours} h from the right time: no failover, and nothing is refused`, async () => {
        const { transitions } = await second.instance();
        clock.set(hours);
        await advertises(first);
        const now = await first.instance();
        assert.deepEqual(
          [now.state, now.transitions, now.since, now.counters["stalled"], now.conflicts],
          ["MASTER", before.transitions, before.since, 0, 0],
        );
        const other = await second.instance();
        assert.deepEqual([other.state, other.transitions], ["BACKUP", transitions]);
        assert.deepEqual(
          other.peers.map(({ rejected }) => rejected),
          [undefined],
        );
        assert.deepEqual(lab.watch.heldTwice, []);
      });

      await t.test(
        `${hours} h from the right time: a director that joins is linked and told all`,
        async () => {
          await second.stop();
          second = await lab.start(b, config(100, "b", a.address));
          await linked();
          const { templates } = { templates: await first.client.templates({}) };
          await waitFor(
            "the client's template has arrived",
            async () => (await second.client.templates({})).length === templates.length,
          );
          for (const { expiresSec } of [...templates, ...(await second.client.templates({}))]) {
            assert.ok(expiresSec > 0 && expiresSec <= 300, `a template expires in ${expiresSec} s`);
          }
          await second.becomes("BACKUP");
        },
      );

      await t.test(`${hours} h from the right time: the later word on a drain counts`, async () => {
        await first.client.drain(SERVICE, REALSERVER);
        await waitFor("the other one follows", async () => (await drained(second)) !== undefined);
        const offMs = Date.parse((await drained(first)) ?? "") - Date.now();
        assert.ok(Math.abs(offMs - hours * 3_600_000) < 120_000, "this is what its clock shows");
        await second.client.undrain(SERVICE, REALSERVER);
        await waitFor("it follows the other one", async () => (await drained(first)) === undefined);
        await second.client.drain(SERVICE, REALSERVER);
        await waitFor("it follows again", async () => (await drained(first)) !== undefined);
        await first.client.undrain(SERVICE, REALSERVER);
        await waitFor("the other one follows again", async () => (await drained(second)) === undefined);
      });

      await t.test(`${hours} h from the right time: no age is negative`, () => {
        assert.doesNotMatch(haStatusText(lab, clock), /\s-\d|NaN/);
      });
    }

    await t.test("and the address has not moved", async () => {
      await lab.heldBy(a);
      await lab.serves();
    });
  }),
);

test("heartbeat directors whose clocks are set", { skip }, async (t) => {
  const clocks = new Map<string, FakeClock>();
  const clock = (name: string): FakeClock => clocks.get(name) as FakeClock;
  const command = (lab: HaLab, name: string): string[] => {
    const made = clocks.get(name) ?? clockOf(lab, name);
    clocks.set(name, made);
    return withClock(made);
  };
  const ping = { nodes: ["10.79.0.9"] };
  await HeartbeatDirectors.with({ command, heartbeat: { ping } }, async (all) => {
    const { lab } = all;
    const heard = async (name: string): Promise<number> => (await all.cluster(name)).counters["received"];
    const stands = async (name: string): Promise<HaInstanceStatus> => all.of(name).instance("web");
    for (const name of ["a", "b"])
      await all.sees(name, "the ping node is up", ({ pings }) => pings[0].state === "up");
    const before = { a: await stands("a"), b: await stands("b") };

    for (const hours of SETTINGS) {
      await t.test(
        `to ${hours} h from the right time, the other one's to the opposite: nobody is lost`,
        async () => {
          clock("a").set(hours);
          clock("b").set(-hours);
          for (const name of ["a", "b"] as const) {
            const from = await heard(name);
            // Each keepalive comes on two links and counts once.
            await waitFor("messages go on", async () => (await heard(name)) > from + 40, 40_000);
            const { nodes, pings, counters } = await all.cluster(name);
            assert.deepEqual([nodes[0].state, pings[0].state], ["active", "up"]);
            assert.deepEqual(
              ["old_generation", "node_dead", "stalled", "conflict"].map((counter) => counters[counter]),
              [0, 0, 0, 0],
            );
            const { state, since, transitions } = await stands(name);
            assert.deepEqual(
              [state, since, transitions],
              [before[name].state, before[name].since, before[name].transitions],
            );
          }
          await lab.serves();
          await all.neverHeldTwice();
        },
      );
    }

    await t.test("one that starts again with its clock two hours back is believed", async () => {
      clock("a").set(1);
      await all.of("a").stop();
      await all.heldBy("b");
      clock("a").set(-1);
      await all.start("a");
      await all.heldBy("a");
      assert.equal((await all.cluster("b")).counters["old_generation"], 0);
      assert.equal((await all.cluster("b")).nodes[0].state, "active");
      await lab.serves();
      await all.neverHeldTwice();
    });

    await t.test("no age is negative", () => {
      assert.doesNotMatch(haStatusText(lab, clock("a")), /\s-\d|NaN/);
    });
  });
});

test(
  "signed advertisements outside of their window are refused, said, and believed again as soon as the clock is right",
  {
    skip,
  },
  () =>
    HaLab.with(async (lab) => {
      const key = "0123456789abcdef0123456789abcdef";
      const hmac = `hmac: { keys: [ { id: 1, key: "${key}" } ], active: 1 }`;
      const clock = clockOf(lab, "a");
      const first = await lab.start(lab.a, haConfig(150, hmac), withClock(clock));
      await first.becomes("MASTER");
      const second = await lab.start(lab.b, haConfig(100, hmac));
      await second.becomes("BACKUP");
      for (const hours of [1, -1]) {
        clock.set(hours);
        await second.becomes("MASTER");
        const { peers } = await second.instance();
        assert.equal(peers[0].rejected?.reason, "auth_ext_stale");
        assert.match(second.log, /dropped an advertisement of 10\.79\.0\.1: .*time is outside of the window/);
        clock.set(0);
        await second.becomes("BACKUP");
        await lab.heldBy(lab.a);
      }
      await lab.serves();
    }),
);
