import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { wrk } from "../../../bench/load/wrk.js";
import type { Peer } from "../../../bench/peers/peer.js";
import type { Realservers } from "../../../bench/realserver/realserver.js";
import { runScenario } from "../../../bench/rounds.js";
import type { ByTurns, PlainScenario } from "../../../bench/scenarios/scenario.js";
import { Processes } from "../../../bench/system/processes.js";

/** Peers without a process: what is tested is who is measured when, and with what. */
const peer = (name: string): Peer => ({ name, unavailable: () => undefined, prepare: () => undefined });
const realservers = { addresses: [{ host: "127.0.34.1", port: 9 }], probe: "x" } as unknown as Realservers;

async function run(scenario: Partial<PlainScenario> | Pick<ByTurns, "measureByTurns">) {
  const seen: string[] = [];
  const samples = await runScenario(
    {
      name: "scenario",
      title: "",
      metrics: [],
      realservers: "http",
      measure: async (_peer, _bench, calibration) => ({ calibration }),
      ...scenario,
    },
    [peer("uvs"), peer("haproxy")],
    realservers,
    {
      processes: new Processes(tmpdir()),
      load: wrk,
      profile: { name: "quick", rounds: 2, warmUpSeconds: 0, seconds: 0 },
    },
    tmpdir(),
    {
      starting: (_scenario, round, name) => seen.push(`${round} ${name}`),
      failed: (_scenario, round, name, reason) => seen.push(`${round} ${name} failed: ${reason}`),
    },
    "haproxy",
  );
  return { seen, samples: samples.peers.map((entry) => entry.samples) };
}

test("peers are measured in turns", async () => {
  const { seen } = await run({});
  assert.deepEqual(seen, ["1 uvs", "1 haproxy", "2 uvs", "2 haproxy"]);
});

test("a scenario is calibrated once, with the baseline, and all measure with the same", async () => {
  const { seen, samples } = await run({ calibrate: async () => 7 });
  assert.deepEqual(seen, ["0 haproxy", "1 uvs", "1 haproxy", "2 uvs", "2 haproxy"]);
  const all = [{ calibration: 7 }, { calibration: 7 }];
  assert.deepEqual(samples, [all, all]);
});

test("where the baseline is not measured, the first peer calibrates", async () => {
  const { seen } = await run({ calibrate: async () => 7, without: ["haproxy"] });
  assert.deepEqual(seen, ["0 uvs", "1 uvs", "2 uvs"]);
});

test("a calibration that fails is told, and nothing is measured", async () => {
  const calibrate = () => Promise.reject(new Error("no load"));
  const { seen, samples } = await run({ calibrate });
  assert.deepEqual(seen, ["0 haproxy", "0 haproxy failed: no load"]);
  assert.deepEqual(samples, [[], []]);
});

test("a measurement that fails leaves a gap, and the others go on", async () => {
  let count = 0;
  const { samples } = await run({
    measure: () => (++count === 1 ? Promise.reject(new Error("broken")) : Promise.resolve({ count })),
  });
  assert.deepEqual(samples, [
    [undefined, { count: 3 }],
    [{ count: 2 }, { count: 4 }],
  ]);
});

test("peers that take turns are measured in one go", async () => {
  const { seen, samples } = await run({
    measureByTurns: async (peers) => new Map(peers.map(({ name }, index) => [name, { index }] as const)),
  });
  assert.deepEqual(seen, ["1 uvs and haproxy", "2 uvs and haproxy"]);
  assert.deepEqual(samples, [
    [{ index: 0 }, { index: 0 }],
    [{ index: 1 }, { index: 1 }],
  ]);
});

test("a round of turns that fails is told and leaves a gap, and the others go on", async () => {
  let rounds = 0;
  const { seen, samples } = await run({
    measureByTurns: async (peers) => {
      if (++rounds === 1) throw new Error("broken");
      return new Map(peers.map(({ name }) => [name, { rounds }] as const));
    },
  });
  assert.deepEqual(seen, ["1 uvs and haproxy", "1 uvs and haproxy failed: broken", "2 uvs and haproxy"]);
  const all = [undefined, { rounds: 2 }];
  assert.deepEqual(samples, [all, all]);
});
