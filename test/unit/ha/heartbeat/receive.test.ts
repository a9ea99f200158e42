import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAuthKeys } from "../../../../src/ha/heartbeat/auth-keys.js";
import { encode } from "../../../../src/ha/heartbeat/codec.js";
import { type Outcome, Receiver } from "../../../../src/ha/heartbeat/receive.js";
import { CAPTURED_KEYS, CAPTURED_STANDBY, CAPTURED_STATUS } from "../../../helpers/heartbeat-vectors.js";

const keys = parseAuthKeys(CAPTURED_KEYS, "authkeys");
const GENERATION = 0x6b00f700;

function receiver(): Receiver {
  return new Receiver({ node: "me", generation: GENERATION, nodes: ["me", "hba"] }, () => keys);
}

const FIELDS = {
  t: "status",
  st: "active",
  dt: "3e8",
  protocol: "1",
  src: "hba",
  seq: "1",
  hg: "10",
  ts: "6b00f6e3",
};

function packet(changes: Record<string, string | undefined> = {}, signer = keys): Uint8Array {
  const fields = Object.entries({ ...FIELDS, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return encode(new Map(fields), (covered) => signer.sign(covered));
}

function reasonOf(outcome: Outcome): string {
  return outcome.verdict === "dropped" ? outcome.reason : outcome.verdict;
}

describe("a receiver", () => {
  test("accepts heartbeat 3.0.6's captured status message once, and believes its deadtime", () => {
    const own = receiver();
    const outcome = own.check(CAPTURED_STATUS);
    assert.equal(outcome.verdict, "accepted");
    if (outcome.verdict !== "accepted" || outcome.heard.kind !== "status") return;
    const { status, deadMs, holds, configuration } = outcome.heard.report;
    assert.deepEqual(
      [outcome.node, status, deadMs, holds, configuration],
      ["hba", "active", 1000, undefined, ""],
    );
    assert.equal(reasonOf(own.check(CAPTURED_STATUS)), "duplicate");
    assert.equal(reasonOf(own.check(CAPTURED_STANDBY)), "unknown_type");
  });

  test("believes an old heartbeat's holdings when it says that no movement is under way", () => {
    const own = receiver();
    const holds = (seq: string, isstable: string): unknown => {
      const outcome = own.check(packet({ t: "resource", rsc_hold: "none", isstable, seq }));
      assert.ok(outcome.verdict === "accepted" && outcome.heard.kind === "resource");
      return outcome.heard.holds;
    };
    assert.equal(holds("1", "0"), undefined);
    assert.equal(holds("2", "1"), "none");
  });

  for (const [what, changes, reason] of [
    ["without a type", { t: undefined }, "missing_field"],
    ["without a sender", { src: undefined }, "missing_field"],
    ["without a time", { ts: undefined }, "missing_field"],
    ["without a sequence number", { seq: undefined }, "missing_field"],
    ["with a generation that is no number", { hg: "x" }, "missing_field"],
    ["of a stranger", { src: "hbz" }, "unknown_node"],
    ["of another director with our name", { src: "me" }, "own_name"],
    ["of our own", { src: "me", hg: GENERATION.toString(16) }, "own echo"],
    ["of a type that only old heartbeats have", { t: "NS_ackmsg", seq: undefined }, "unknown_type"],
    ["of an unknown type", { t: "hbapi-req" }, "unknown_type"],
    ["with a status that is none", { st: "dead" }, "bad_status"],
    ["with a deadtime of nothing", { dt: "0" }, "bad_status"],
    ["with a deadtime of days", { dt: "fffffff" }, "bad_status"],
    ["with a wrong list", { uvs_give: "web@" }, "bad_status"],
    ["with an empty name", { uvs_hold: "a,,b" }, "bad_status"],
    ["with a scope that is none", { uvs_standby: "some" }, "bad_status"],
    ["with too long a list", { uvs_seen: Array(65).fill("g@n").join(",") }, "bad_status"],
    ["with holdings that are none", { t: "resource", rsc_hold: "some" }, "bad_status"],
  ] as const) {
    test(`a message ${what}: ${reason}`, () => {
      assert.equal(reasonOf(receiver().check(packet(changes))), reason);
    });
  }

  test("another key, another key number, and damage are told apart", () => {
    const other = parseAuthKeys("auth 1\n1 sha1 other\n", "authkeys");
    const number = parseAuthKeys("auth 2\n2 sha1 testkey\n", "authkeys");
    assert.equal(reasonOf(receiver().check(packet({}, other))), "wrong_digest");
    assert.equal(reasonOf(receiver().check(packet({}, number))), "unknown_key");
    assert.equal(reasonOf(receiver().check(packet().subarray(1))), "malformed");
  });

  test("numbers that were used, and generations that are over, are replays", () => {
    const own = receiver();
    const verdicts = [
      { hg: "10", seq: "5" },
      { hg: "10", seq: "5" },
      { hg: "10", seq: "4" },
      { hg: "10", seq: "400" },
      { hg: "11", seq: "1" },
      { hg: "10", seq: "401" },
      { hg: "11", seq: "2" },
    ].map((position) => reasonOf(own.check(packet(position))));
    assert.deepEqual(verdicts, [
      "accepted",
      "duplicate",
      "duplicate",
      "accepted",
      "accepted",
      "old_generation",
      "accepted",
    ]);
  });

  test("an old heartbeat's question which nodes there are is no news of it", () => {
    const own = receiver();
    assert.deepEqual(own.check(packet({ t: "reqnodes", seq: "7" })), { verdict: "question", node: "hba" });
    assert.equal(reasonOf(own.check(packet({ seq: "1" }))), "accepted");
  });

  test("a higher generation is a restart", () => {
    const own = receiver();
    const restarts = ["10", "11", "11"].map((hg, i) => {
      const outcome = own.check(packet({ hg, seq: String(i + 1) }));
      return outcome.verdict === "accepted" && outcome.heard.kind === "status" && outcome.heard.isRestart;
    });
    assert.deepEqual(restarts, [false, true, false]);
  });

  test("a wrong message does not use up its number", () => {
    const own = receiver();
    assert.equal(reasonOf(own.check(packet({ seq: "9", st: "dead" }))), "bad_status");
    assert.equal(reasonOf(own.check(packet({ seq: "9" }))), "accepted");
  });
});
