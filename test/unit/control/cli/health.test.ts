import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  CheckStatus,
  HealthStatus,
  RealserverHealthStatus,
} from "../../../../src/core/health-status.js";
import { InMemoryOperations } from "../../../helpers/in-memory-operations.js";
import { uvs } from "../../../helpers/run-uvs.js";

/** When everything happens: the clock of the commands in tests. */
const NOW = "2026-01-01T00:01:00.000Z";
const ago = (seconds: number): string => new Date(Date.parse(NOW) - 1000 * seconds).toISOString();

const CHECK: CheckStatus = {
  kind: "http",
  name: "http GET /",
  target: { address: "10.0.0.2", port: 80 },
  state: "up",
  since: ago(3600),
  progress: "3/3",
  passed: 1800,
  failed: 2,
  neutral: 0,
  flips: 1,
  isRunning: false,
  nextRun: ago(-1),
  last: { at: ago(1), durationMs: 12, outcome: "passed", code: "L7OK", reason: "status 200" },
};

const SERVER: RealserverHealthStatus = {
  key: "10.0.0.2:80",
  endpoint: { address: "10.0.0.2", port: 80 },
  state: "up",
  since: ago(3600),
  reason: "http GET /: status 200",
  admin: "ready",
  usable: true,
  present: true,
  weight: 1,
  configuredWeight: 4,
  checks: [CHECK],
};

function operationsWith(status: Partial<HealthStatus>): InMemoryOperations {
  const operations = new InMemoryOperations();
  operations.healthStatus = { ...operations.healthStatus, ...status };
  return operations;
}

function serviceOf(...realservers: RealserverHealthStatus[]): HealthStatus["services"] {
  const id = { protocol: "tcp", address: "10.0.0.1", port: 80 } as const;
  const quorum = { up: 2, down: 1 };
  return [{ key: "tcp://10.0.0.1:80", id, up: false, weight: 1, quorum, realservers }];
}

test("without checked services and changes it says so", async () => {
  assert.equal((await uvs(["health"])).out, "no service is checked\n");
  assert.equal((await uvs(["health", "--history"])).out, "no changes\n");
});

test("each check is shown below its realserver: state, since when, how near to a change, counts, what it said", async () => {
  const removed = {
    ...SERVER,
    key: "10.0.0.3:80",
    state: "down",
    present: false,
    weight: 0,
    checks: [],
  } as const;
  const { out } = await uvs(["health"], operationsWith({ services: serviceOf(SERVER, removed) }));
  const [title, , server, check, other] = out.split("\n").map((line) => line.trim().split(/\s{2,}/));
  assert.deepEqual(title, ["tcp://10.0.0.1:80: quorum lost, weight 1, quorum 2"]);
  assert.deepEqual(server, ["10.0.0.2:80", "up", "1h 0m", "1/4", "http GET /: status 200"]);
  assert.deepEqual(check.slice(0, 2), ["http GET /", "up"]);
  assert.deepEqual(check.slice(3), ["3/3", "1800", "2", "1.0s", "12ms", "L7OK status 200"]);
  assert.deepEqual(other.slice(0, 2), ["10.0.0.3:80", "down, removed"]);
});

test("a check that runs, and one that has no result yet, say so", async () => {
  const fresh = { ...CHECK, state: "unknown", last: undefined, isRunning: true } as const;
  const { out } = await uvs(
    ["health"],
    operationsWith({ services: serviceOf({ ...SERVER, checks: [fresh] }) }),
  );
  assert.match(out, /unknown .* now +- +no result yet/);
});

test("the history shows what changed, when, and why", async () => {
  const changes = [
    {
      at: ago(9),
      service: "tcp://10.0.0.1:80",
      realserver: "10.0.0.2:80",
      check: "ping",
      from: "up",
      to: "down",
      reason: "no reply",
    },
    {
      at: ago(5),
      service: "tcp://10.0.0.1:80",
      from: "up",
      to: "down",
      reason: "quorum lost: weight 0 of 1",
    },
  ];
  const { out } = await uvs(["health", "--history"], operationsWith({ changes }));
  const [, first, second] = out.split("\n").map((line) => line.trim().split(/\s{2,}/));
  assert.deepEqual(first, [ago(9), "tcp://10.0.0.1:80", "10.0.0.2:80", "ping", "up", "down", "no reply"]);
  assert.deepEqual(second, [ago(5), "tcp://10.0.0.1:80", "up", "down", "quorum lost: weight 0 of 1"]);
});

test("--json prints what the control API answers", async () => {
  const operations = operationsWith({ services: serviceOf(SERVER) });
  const { out } = await uvs(["health", "--json"], operations);
  assert.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify(operations.healthStatus)));
});

test("a director that is not of this version cannot write to the terminal by a reason", async () => {
  const evil = { ...SERVER, reason: "\u001b]0;title\u0007\u001b[2J", checks: [] };
  const { out } = await uvs(["health"], operationsWith({ services: serviceOf(evil) }));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  assert.doesNotMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f]/);
});
