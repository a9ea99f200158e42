/** One forwarder generation, with planes that carry nothing: what it answers while it ends. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_TIMEOUTS } from "../../../src/core/model.js";
import { initialSysctls } from "../../../src/core/sysctls.js";
import { Forwarder } from "../../../src/forwarder/forwarder.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";

const unexpected = (error: Error): never => {
  throw error;
};

async function startForwarder(dataplane: "native" | "net"): Promise<Forwarder> {
  const forwarder = new Forwarder({
    config: {
      generation: 1,
      dataplane,
      threads: 1,
      maxServices: 4,
      maxRealservers: 4,
      maxConnections: 16,
      maxFlows: 16,
      maxTemplates: 16,
      transparentMark: 0,
      timeouts: DEFAULT_TIMEOUTS,
      sysctls: initialSysctls(),
      services: [],
      log: { level: "silent", format: "json" },
    },
    logger: new RecordingLogger(),
    accessLog: undefined,
    onWantListener: () => {},
    onFailure: unexpected,
  });
  await forwarder.start();
  return forwarder;
}

for (const dataplane of ["native", "net"] as const) {
  describe(`a forwarder with the ${dataplane} plane`, { timeout: 10_000 }, () => {
    test("answers what its planes are asked while they end", async () => {
      const forwarder = await startForwarder(dataplane);
      const drained = forwarder.drain(1000);
      const answers = Promise.all([
        forwarder.connections({}),
        forwarder.killConnections({}),
        forwarder.flows(0),
      ]);
      assert.equal(await drained, 0);
      assert.deepEqual(await answers, [[], 0, { batch: {}, next: 0 }]);
    });

    test("answers what its planes are asked when they have ended", async () => {
      const forwarder = await startForwarder(dataplane);
      await forwarder.drain(1000);
      assert.deepEqual(await forwarder.connections({}), []);
      assert.equal(await forwarder.killConnections({}), 0);
      assert.deepEqual(await forwarder.flows(0), { batch: {}, next: 0 });
    });
  });
}
