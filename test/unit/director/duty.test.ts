import assert from "node:assert/strict";
import { test } from "node:test";
import { type Duty, decodeDuty, encodeDuty } from "../../../src/director/ha/duty.js";

test("a duty is one line, and read as itself", () => {
  const link = { interface: "eth0", source: "10.0.0.1", destination: "224.0.0.18" };
  const duty: Duty = {
    held: [{ address: "10.0.0.100", prefix: 24, interface: "eth0" }],
    farewells: [{ ...link, family: 4, ttl: 255, message: Buffer.from([0x31, 51, 0, 10, 255]) }],
    note: "/run/uvs/uvsd.sock.held",
    log: { level: "info", format: "json" },
  };
  const line = encodeDuty(duty);
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.deepEqual(decodeDuty(line), duty);
});
