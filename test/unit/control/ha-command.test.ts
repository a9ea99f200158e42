import assert from "node:assert/strict";
import { test } from "node:test";
import { haInstance, haStatus } from "../../helpers/ha-status.js";
import { InMemoryOperations } from "../../helpers/in-memory-operations.js";
import { uvs } from "../../helpers/run-uvs.js";

function operations(): InMemoryOperations {
  const made = new InMemoryOperations();
  made.ha = haStatus(
    haInstance(),
    haInstance({
      name: "VI_52",
      state: "FAULT",
      isStandby: true,
      faults: ["put to standby by the operator"],
    }),
  );
  return made;
}

test("status shows state, age, priority with its parts, peers with what is refused of them, and the machinery", async () => {
  const made = operations();
  made.ha = haStatus();
  const { out, exit } = await uvs(["ha", "status"], made);
  assert.equal(exit, 0);
  assert.deepEqual(
    out
      .trim()
      .split("\n")
      .map((line) => line.replace(/ {2,}/g, " | ").trimStart()),
    [
      "Instance | State | For | Priority | Addresses | Master | Heard | Interval | Down after | Transitions | Conflicts | Latest",
      "VI_51 | MASTER | 12s | 150 | 192.168.71.205 (here) | here | - | 1.0s | 3.4s | 2 | 0 | 1.7ms",
      "",
      "VI_51: no master was heard",
      "| priority: 130 configured, script web is up: +20",
      "| resources: started",
      "| resources cannot be here: a resource does not start",
      "",
      "Peer | Of | Priority | Heard | Interval | Refused",
      "192.168.71.202 | VI_51 | 100 | 12s | 1.0s | auth_failure, 3 packets",
      "",
      "event loop late by p50/p99/max 0.1ms/1.0ms/1.9ms, restarts 0",
      "control plane late by p50/p99/max 0.2ms/2.0ms/9.0ms",
      "guardian pid 4712, restarts 1",
      "2 packets of unknown virtual router 7",
    ],
  );
});

test("status says that an instance is in standby, and why it cannot be master", async () => {
  const { out } = await uvs(["ha", "status", "VI_52"], operations());
  assert.match(out, /VI_52 +FAULT, standby/);
  assert.match(out, /fault: put to standby by the operator/);
  assert.doesNotMatch(out, /VI_51/);
});

test("status --json is what the director says", async () => {
  const made = operations();
  assert.deepEqual(JSON.parse((await uvs(["ha", "status", "--json"], made)).out), made.ha);
});

test("status without high availability says how to come by it", async () => {
  const { out, exit } = await uvs(["ha", "status"]);
  assert.equal(exit, 0);
  assert.match(out, /not configured/);
});

for (const verb of ["standby", "takeover", "clear"]) {
  test(`${verb} means all instances, a scope, or one of them`, async () => {
    const made = operations();
    for (const words of [[], ["foreign"], ["VI_51"]]) {
      assert.equal((await uvs(["ha", verb, ...words], made)).exit, 0);
    }
    assert.deepEqual(made.haCommands, [
      { command: verb },
      { command: verb, scope: "foreign" },
      { command: verb, instance: "VI_51" },
    ]);
  });
}

for (const words of [["drain"], ["status", "VI_99"], ["standby", "--json"], []]) {
  test(`uvs ha ${words.join(" ")} is a wrong command line`, async () => {
    const made = operations();
    assert.equal((await uvs(["ha", ...words], made)).exit, 2);
    assert.deepEqual(made.haCommands, []);
  });
}
