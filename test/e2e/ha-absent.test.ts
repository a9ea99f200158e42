/** A director without high availability. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { childrenOf } from "../helpers/ha-lab.js";
import { Uvsd } from "../helpers/uvsd.js";

test("without ha in its configuration a director has no guardian, and refuses to hand over", async (t) => {
  const uvsd = await Uvsd.start(t);
  assert.deepEqual(await uvsd.client.haStatus(), { isConfigured: false, instances: [] });
  for (const command of ["haStandby", "haTakeover", "haClear"] as const) {
    await assert.rejects(uvsd.client[command]({}), { code: "UNSUPPORTED", message: /not configured/ });
  }
  const pid = uvsd.process.pid ?? 0;
  assert.equal(childrenOf(pid, "forwarder").length, 1);
  assert.deepEqual(childrenOf(pid, "guardian"), []);
});
