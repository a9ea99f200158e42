/** Tables of reference: ha.md §10.1 (quorum) and §10.2 (scores), and who wins a conflict. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Claim, staysWith } from "../../../../src/ha/heartbeat/conflicts.js";
import { type Candidate, type PlacedGroup, place, scoreOf } from "../../../../src/ha/heartbeat/placement.js";
import { hasMajority } from "../../../../src/ha/heartbeat/quorum.js";
import { addScores, INFINITY } from "../../../../src/ha/heartbeat/scores.js";

const RULE = { multiplier: 1000, isRequired: false };

function candidate(node: string, changes: Partial<Candidate> = {}): Candidate {
  return { node, standby: "none", failed: [], wants: [], pings: 0, ...changes };
}

function group(name: string, scores: Record<string, number> = {}, stickiness = 0): PlacedGroup {
  return { name, scores, stickiness };
}

describe("scores", () => {
  for (const [scores, sum] of [
    [[1, 2, 3], 6],
    [[INFINITY, 5], INFINITY],
    [[INFINITY, -5], INFINITY],
    [[900_000, 900_000], INFINITY],
    [[-INFINITY, INFINITY], -INFINITY],
    [[5, -INFINITY], -INFINITY],
    [[-900_000, -900_000], -INFINITY],
    [[], 0],
  ] as const) {
    test(`${scores.join(" + ")} = ${sum}`, () => assert.equal(addScores(...scores), sum));
  }

  test("a node that must not hold a group does not get it, whatever else speaks for it", () => {
    const web = group("web", { a: INFINITY });
    const barred: readonly Partial<Candidate>[] = [
      { standby: "all" },
      { standby: "foreign" },
      { failed: ["web"] },
    ];
    for (const changes of barred) {
      assert.equal(scoreOf(web, candidate("a", { ...changes, wants: ["web"] }), "a", RULE), -INFINITY);
    }
    const required = { multiplier: 1000, isRequired: true };
    assert.equal(scoreOf(web, candidate("a"), "a", required), -INFINITY);
  });

  test("preference, stickiness and ping nodes add up", () => {
    assert.equal(scoreOf(group("web", { a: 100 }, 50), candidate("a", { pings: 2 }), "a", RULE), 2150);
  });
});

describe("places", () => {
  const nodes = ["a", "b", "c"].map((name) => candidate(name));
  const at = (
    groups: readonly PlacedGroup[],
    candidates: readonly Candidate[],
    holders: Record<string, string> = {},
  ): Record<string, string> =>
    Object.fromEntries(place(groups, candidates, new Map(Object.entries(holders)), RULE));

  test("the highest score gets it", () => {
    assert.deepEqual(at([group("web", { b: 10, c: 5 })], nodes), { web: "b" });
  });

  test("among equals it stays; then fewer groups count, then the name", () => {
    assert.deepEqual(at([group("web")], nodes, { web: "c" }), { web: "c" });
    assert.deepEqual(at([group("web"), group("db"), group("mail"), group("dns")], nodes), {
      web: "a",
      db: "b",
      mail: "c",
      dns: "a",
    });
  });

  test("the order in which the nodes are known does not matter", () => {
    const groups = [group("web"), group("db", { c: 1 }), group("mail")];
    assert.deepEqual(at(groups, nodes), at(groups, [...nodes].reverse()));
  });

  test("a negative score is never; a group that nobody may hold has no place", () => {
    assert.deepEqual(at([group("web", { a: -1, b: -INFINITY, c: -5 })], nodes), {});
  });

  test("stickiness beats a smaller preference, and one more ping node beats stickiness", () => {
    const web = group("web", { a: 100 }, 200);
    assert.deepEqual(at([web], nodes, { web: "b" }), { web: "b" });
    const pinging = nodes.map((own) => (own.node === "a" ? { ...own, pings: 1 } : own));
    assert.deepEqual(at([web], pinging, { web: "b" }), { web: "a" });
  });
});

describe("quorum", () => {
  for (const [members, nodes, tieBreaker, reachesPing, verdict] of [
    [1, 2, "pair", false, true],
    [1, 2, "none", false, false],
    [1, 2, "ping", true, true],
    [1, 2, "ping", false, false],
    [2, 3, "none", false, true],
    [1, 3, "none", false, false],
    [1, 3, "ping", true, false],
    [2, 4, "none", false, false],
    [2, 4, "ping", true, true],
    [3, 4, "none", false, true],
    [5, 9, "none", false, true],
    [4, 9, "none", false, false],
  ] as const) {
    test(`${members} of ${nodes}, tie by ${tieBreaker}, ping node ${reachesPing}: ${verdict}`, () => {
      assert.equal(hasMajority(members, nodes, tieBreaker, reachesPing), verdict);
    });
  }
});

describe("two holders", () => {
  const claim = (node: string, changes: Partial<Claim> = {}): Claim => ({
    node,
    hasQuorum: true,
    pings: 1,
    score: 0,
    ...changes,
  });

  for (const [rule, winner, loser] of [
    ["quorum counts most", claim("b"), claim("a", { hasQuorum: false, pings: 9, score: 900 })],
    ["then ping nodes", claim("b", { pings: 2 }), claim("a", { score: 900 })],
    ["then the preferred node", claim("b", { score: 100 }), claim("a")],
    ["then the name", claim("a"), claim("b")],
  ] as const) {
    test(`${rule}, and both come to the same`, () => {
      assert.deepEqual([staysWith(winner, loser), staysWith(loser, winner)], [true, false]);
    });
  }
});
