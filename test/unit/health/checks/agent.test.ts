import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckResult } from "../../../../src/health/checker.js";
import { agentCheck } from "../../../../src/health/checks/agent.js";
import { runProbe } from "../../../helpers/check-probe.js";
import { startRealserver } from "../../../helpers/tcp.js";

async function hear(line: string): Promise<CheckResult> {
  const server = await startRealserver((socket) => socket.end(line));
  try {
    return await runProbe(agentCheck(), server);
  } finally {
    await server.close();
  }
}

test("what the agent says is the result", async () => {
  assert.deepEqual(await hear("up 50% maxconn:100\n"), {
    outcome: "passed",
    code: "L7OK",
    reason: "via agent : up",
    admin: undefined,
    weight: { percent: 50 },
    connectionLimit: 100,
  });
  const down = await hear("down # disk full\r\nignored");
  assert.deepEqual([down.outcome, down.reason], ["failed", "via agent : down (disk full)"]);
  const drained = await hear("drain,75%\n");
  assert.deepEqual([drained.outcome, drained.admin, drained.weight], ["neutral", "drain", { percent: 75 }]);
});

test("a line without its end is ignored", async () => {
  const { outcome, reason } = await hear("down");
  assert.deepEqual([outcome, reason], ["neutral", 'ignored: no complete line, "down"']);
});

test("the line is taken as soon as it has ended, the agent need not close", async () => {
  const server = await startRealserver((socket) => {
    socket.write("u");
    setImmediate(() => socket.write("p\r"));
  });
  try {
    assert.equal((await runProbe(agentCheck(), server)).reason, "via agent : up");
  } finally {
    await server.close();
  }
});

test("the agent is sent what it wants to hear first", async () => {
  const server = await startRealserver((socket) =>
    socket.once("data", (chunk) => socket.end(chunk.toString() === "web1\n" ? "up\n" : "down\n")),
  );
  try {
    assert.equal((await runProbe(agentCheck({ send: "web1\n" }), server)).outcome, "passed");
  } finally {
    await server.close();
  }
  assert.throws(
    () => agentCheck({ send: "x".repeat(2000) }),
    /send: found .*accepted is at most 1024 characters/,
  );
});
