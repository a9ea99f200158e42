import assert from "node:assert/strict";
import {
  PlaneBench,
  type PlaneHarness,
  type PlaneStart,
  type RunningPlane,
} from "../../helpers/plane-harness.js";

/** Runs a test's body with a plane, then stops the plane and checks that nothing of any connection is left. */
export type WithPlane = (
  start: PlaneStart,
  body: (plane: RunningPlane, bench: PlaneBench) => Promise<void>,
) => Promise<void>;

/** Makes `withPlane` of a harness. */
export function planeRunner(harness: () => PlaneHarness): WithPlane {
  return async (start, body) => {
    const bench = new PlaneBench(start);
    const plane = await harness().startPlane(bench);
    try {
      await bench.heard("ready");
      await body(plane, bench);
    } finally {
      await plane.stop();
    }
    assert.deepEqual(bench.dispatcher.breaches(), []);
    assert.equal(bench.connections(), 0, "the gauge of connections is back to 0");
    assert.equal(bench.memory.threadConnections[0], 0, "the thread's connections are back to 0");
    assert.deepEqual(
      bench.said.filter((said) => said.event === "trouble"),
      [],
    );
  };
}
