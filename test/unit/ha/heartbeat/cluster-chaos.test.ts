/**
 * Random drills of clusters with quorum, in memory: hosts crash, come back, stand still, are cut off, and operators change
 * their minds. UVS_FUZZ_DRILLS says how many clusters; UVS_FUZZ_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { placedGroup, SimulatedCluster } from "../../../helpers/heartbeat-cluster.js";
import { random } from "../../../helpers/mutation.js";

const DRILLS = Number(process.env["UVS_FUZZ_DRILLS"] ?? 20);
const SEED = Number(process.env["UVS_FUZZ_SEED"] ?? Date.now() % 0x7fffffff);
const STEPS = 25;
const GROUPS = [placedGroup("web", "a"), placedGroup("db", "b", 200), placedGroup("mail")];

/** One random thing. @returns what it was */
function disturb(cluster: SimulatedCluster, next: (below: number) => number): string {
  const names = [...cluster.directors.keys()];
  const name = names[next(names.length)];
  const director = cluster.director(name);
  const scope = { scope: (["all", "foreign", "local"] as const)[next(3)] };
  switch (next(10)) {
    case 0:
    case 1:
      if (!director.isRunning) cluster.restart(name);
      else cluster.crash(name);
      return `${director.isRunning ? "restart" : "crash"} ${name}`;
    case 2:
    case 3: {
      const side = names.filter(() => next(2) === 0);
      const other = names.filter((own) => !side.includes(own));
      cluster.cut(side, other);
      return `cut ${side} from ${other}`;
    }
    case 4:
    case 5:
      cluster.cut(names, names, false);
      return "mend";
    case 6:
      if (director.isRunning) cluster.on(name, (state, nowMs) => state.takeover(nowMs, scope));
      return `takeover on ${name}`;
    case 7:
      if (director.isRunning && director.cluster.standbyRefusal(scope) === undefined)
        cluster.on(name, (state, nowMs) => state.standby(nowMs, scope));
      return `standby on ${name}`;
    case 8: {
      const to = names[next(names.length)];
      cluster.cutOneWay(name, to);
      return `cut from ${name} to ${to}`;
    }
    default:
      if (director.isRunning) cluster.on(name, (state, nowMs) => state.setPings(nowMs, next(3)));
      return `ping nodes of ${name}`;
  }
}

test(`${DRILLS} clusters of three to five with quorum never hold a group twice, and end up with each held (seed ${SEED})`, () => {
  const next = random(SEED);
  for (let drill = 0; drill < DRILLS; drill++) {
    const nodes = ["a", "b", "c", "d", "e"].slice(0, 3 + next(3));
    const cluster = new SimulatedCluster({ nodes, groups: GROUPS });
    const history: string[] = [];
    const where = (): string => `seed ${SEED}, drill ${drill}, ${nodes.length} nodes: ${history.join("; ")}`;
    cluster.start();
    cluster.advance(1000);
    for (let step = 0; step < STEPS; step++) {
      history.push(`${cluster.nowMs} ${disturb(cluster, next)}`);
      cluster.advance(next(4) === 0 ? 5000 : next(1500));
      assert.deepEqual(cluster.overlaps, [], where());
    }
    cluster.cut(nodes, nodes, false);
    for (const name of nodes) {
      if (!cluster.director(name).isRunning) cluster.restart(name);
      cluster.on(name, (state, nowMs) => state.online(nowMs, { scope: "all" }));
    }
    cluster.advance(10_000);
    assert.deepEqual(cluster.overlaps, [], where());
    for (const { name } of GROUPS) assert.equal(cluster.holders(name).length, 1, `${name}: ${where()}`);
  }
});
