import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionRoom, descriptorLimit, flowCapacity } from "../../../src/forwarder/capacity.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";

test("flows are a quarter of the descriptors, or what is asked for up to a half, which is said", () => {
  const logger = new RecordingLogger();
  const descriptors = descriptorLimit();
  assert.equal(flowCapacity(0, logger), Math.max(16, Math.min(65_536, Math.floor(descriptors / 4))));
  assert.equal(flowCapacity(10, logger), 10);
  assert.deepEqual(logger.records, []);
  assert.equal(flowCapacity(descriptors, logger), Math.floor(descriptors / 2));
  assert.equal(logger.records.length, 1);
});

test("flows and connections together fit into the descriptors", () => {
  for (const descriptors of [1024, 20_000, 1_048_576]) {
    for (const flows of [0, 100, descriptors / 4]) {
      assert.ok(connectionRoom(descriptors, flows) * 2 + flows < descriptors, `${descriptors}, ${flows}`);
    }
  }
});
