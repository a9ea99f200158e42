import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clusterSettingsOf } from "../../../../src/ha/heartbeat/cluster-settings.js";
import { checkHeartbeat, type HeartbeatSettings } from "../../../../src/ha/heartbeat/settings.js";

const PAIR: HeartbeatSettings = {
  node: "a",
  nodes: ["a", "b"],
  links: [
    { kind: "bcast", interface: "eth0" },
    { kind: "ucast", interface: "eth1", peers: ["10.0.0.2"] },
  ],
  keyFile: "/etc/ha.d/authkeys",
  generationFile: "/var/lib/uvs/generation",
  groups: [{ name: "web", preferred: "a", floating: [] }],
};

describe("settings of a cluster", () => {
  test("a pair with two links is nothing to warn of", () => {
    assert.deepEqual(checkHeartbeat(PAIR), []);
  });

  for (const [changes, message] of [
    [{ nodes: ["a"] }, /nodes: found 1, accepted is 2 to 9/],
    [{ nodes: [..."abcdefghij"] }, /nodes: found 10/],
    [{ nodes: ["a", "a"] }, /nodes: found a, accepted is a name that is used once/],
    [{ nodes: ["a", "b c"] }, /nodes: found b c/],
    [{ node: "z" }, /node: found z, accepted is one of the nodes a b/],
    [{ keepaliveMs: 1000, deadMs: 2000 }, /deadtime: found 2000 ms, accepted is more than two keepalives/],
    [{ warnMs: 500 }, /warntime: found 500 ms/],
    [{ deadMs: 30_000, initDeadMs: 20_000 }, /initdead: found 20000 ms, accepted is at least the deadtime/],
    [{ links: [] }, /links: found 0/],
    [{ links: [{ kind: "ucast", interface: "eth0", peers: ["host"] }] }, /address: found host/],
    [{ links: [{ kind: "ucast", interface: "eth0", peers: ["10.0.0.1", "fe80::1"] }] }, /one family/],
    [{ links: [{ kind: "mcast", interface: "eth0", group: "10.0.0.1" }] }, /a multicast address/],
    [{ links: [{ kind: "mcast", interface: "eth0", group: "239.0.0.1", ttl: 0 }] }, /ttl: found 0/],
    [{ port: 0 }, /port: found 0/],
    [{ pingBreaksTie: true }, /ping: found no ping node/],
    [{ ping: { targets: [{ name: "r", hosts: ["x"] }] } }, /address: found x/],
    [{ ping: { targets: [], multiplier: -1 } }, /multiplier: found -1/],
    [{ groups: [{ name: "web", preferred: "z", floating: [] }] }, /group web: preferred: found z/],
    [{ groups: [{ name: "web", scores: { z: 1 }, floating: [] }] }, /group web: scores: found z/],
    [{ groups: [PAIR.groups[0], PAIR.groups[0]] }, /groups: found web, accepted is a name that is used once/],
    [{ fencing: { z: { command: { path: "/f", args: [] } } } }, /fencing: found z/],
  ] as readonly (readonly [Partial<HeartbeatSettings>, RegExp])[]) {
    test(`are refused: ${JSON.stringify(changes).slice(0, 80)}`, () => {
      assert.throws(() => checkHeartbeat({ ...PAIR, ...changes }), message);
    });
  }

  test("warn of one link, of a short deadtime with quorum, and of a short initdead", () => {
    const warnings = checkHeartbeat({
      ...PAIR,
      nodes: ["a", "b", "c"],
      links: [PAIR.links[0]],
      deadMs: 3000,
      initDeadMs: 3000,
    });
    assert.equal(warnings.length, 3);
  });

  test("defaults: a pair ignores quorum, three stop without; auto_failback is stickiness", () => {
    const pair = clusterSettingsOf(PAIR);
    assert.deepEqual([pair.noQuorum, pair.tieBreaker, pair.initDeadMs], ["ignore", "pair", 12_000]);
    assert.deepEqual(pair.groups[0].scores, { a: 100 });
    assert.equal(pair.groups[0].stickiness, 0);
    const three = clusterSettingsOf({ ...PAIR, nodes: ["a", "b", "c"], autoFailback: false });
    assert.deepEqual([three.noQuorum, three.tieBreaker], ["stop", "none"]);
    assert.ok(three.groups[0].stickiness > 100);
  });

  test("the digest is the same on all nodes, and another one where something that must agree differs", () => {
    const digest = (changes: Partial<HeartbeatSettings>): string =>
      clusterSettingsOf({ ...PAIR, ...changes }).configuration;
    assert.equal(digest({}), digest({ node: "b", nodes: ["b", "a"], links: [], keyFile: "/other" }));
    assert.notEqual(digest({}), digest({ autoFailback: false }));
    assert.notEqual(digest({}), digest({ groups: [] }));
  });
});
