/** The section `ha.heartbeat` of a file: what it comes to, and what is refused where. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, test } from "node:test";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";
import { UvsError } from "../../../src/core/errors.js";
import type { HaHeartbeatSettings } from "../../../src/core/ha-settings.js";

const options = { schedulers: ["wlc"] };
const parse = (text: string) => parseConfig(text, "uvs.yaml", options);

/** A pair, with other lines of the section. */
function pair(lines: Readonly<Record<string, string>> = {}, floating = "192.0.2.10"): string {
  const section = {
    node: "lvs1",
    nodes: "[lvs1, lvs2]",
    links: "[{ bcast: eth0 }, { ucast: eth1, peers: [198.51.100.1, 198.51.100.2] }]",
    groups: "[{ name: web, preferred: lvs1 }]",
    ...lines,
  };
  const text = Object.entries(section).map(([key, value]) => `    ${key}: ${value}\n`);
  return `ha:\n  floating: [{ address: ${floating}/24, interface: eth0 }]\n  heartbeat:\n${text.join("")}`;
}

function heartbeat(text: string): HaHeartbeatSettings {
  const settings = parse(text).ha?.heartbeat;
  assert.ok(settings !== undefined);
  return settings;
}

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    // Texts are quoted, numbers are not.
    return UvsError.from(error).message.replaceAll('"', "");
  }
  return "";
}

describe("a heartbeat cluster in the file", () => {
  test("has heartbeat's defaults, and one group moves all addresses", () => {
    const settings = heartbeat(pair());
    const { port, keepaliveMs, deadMs, warnMs, initDeadMs, autoFailback, noQuorum, dampenMs } = settings;
    assert.deepEqual(
      { port, keepaliveMs, deadMs, warnMs, initDeadMs, autoFailback, noQuorum, dampenMs },
      {
        port: 694,
        keepaliveMs: 1000,
        deadMs: 10_000,
        warnMs: 5000,
        initDeadMs: 12_000,
        autoFailback: true,
        noQuorum: "ignore",
        dampenMs: 2000,
      },
    );
    assert.deepEqual(settings.groups[0].floating, ["192.0.2.10"]);
    assert.deepEqual(settings.links[0], { kind: "bcast", interface: "eth0" });
    const three = heartbeat(
      pair({ nodes: "[lvs1, lvs2, lvs3]", links: "[{ mcast: eth0, group: 239.0.0.1 }]" }),
    );
    assert.equal(three.noQuorum, "stop");
    assert.deepEqual(three.links, [{ kind: "mcast", interface: "eth0", group: "239.0.0.1", ttl: 1 }]);
  });

  test("the node is the host where nothing is said", () => {
    const { node } = heartbeat(
      pair({ nodes: `[${hostname()}, lvs2]`, groups: "[{ name: web }]" }).replace(/ {4}node: .*\n/, ""),
    );
    assert.equal(node, hostname());
  });

  test("a host that is none of the nodes is refused where no node is given", () => {
    assert.match(
      refusal(pair().replace(/ {4}node: .*\n/, "")),
      /node: found .*, accepted is one of the nodes: lvs1, lvs2/,
    );
  });

  test("scores may be infinite, and ping groups are targets as ping nodes are", () => {
    const settings = heartbeat(
      pair({
        groups: "[{ name: web, scores: { lvs1: 5, lvs2: -INFINITY } }]",
        ping: "{ nodes: [192.0.2.1], groups: [{ name: dns, hosts: [192.0.2.2, 192.0.2.3] }] }",
      }),
    );
    assert.deepEqual(settings.groups[0].scores, { lvs1: 5, lvs2: -1_000_000 });
    assert.deepEqual(settings.ping.targets, [
      { name: "192.0.2.1", hosts: ["192.0.2.1"] },
      { name: "dns", hosts: ["192.0.2.2", "192.0.2.3"] },
    ]);
  });

  for (const [lines, message] of [
    [{ nodes: "[lvs1]" }, /nodes: found 1 of them, accepted are 2 to 9/],
    [{ nodes: "[lvs1, lvs1]" }, /nodes\[1\]: found lvs1, accepted is each name once/],
    [{ nodes: '["lvs 1", lvs2]' }, /nodes\[0\]: found lvs 1, accepted is a name of letters/],
    [{ node: "lvs9" }, /node: found lvs9, accepted is one of the nodes: lvs1, lvs2/],
    [{ deadtime: "2s" }, /deadtime: found 2000ms, accepted is more than two keepalives/],
    [{ warntime: "500ms" }, /warntime: found 500ms/],
    [{ initdead: "5s" }, /initdead: found 5000ms, accepted is at least the deadtime/],
    [{ links: "[]" }, /links: found 0 of them/],
    [{ links: "[{ ucast: eth0 }]" }, /peers: found none/],
    [
      { links: "[{ bcast: eth0, mcast: eth0 }]" },
      /links\[0\]: found bcast and mcast, accepted is one of them/,
    ],
    [{ links: "[{ bcast: eth0, peers: [192.0.2.1] }]" }, /peers: found peers without ucast/],
    [
      { links: "[{ mcast: eth0, group: 192.0.2.1 }]" },
      /group: found 192.0.2.1, accepted is a multicast address/,
    ],
    [{ links: '[{ ucast: eth0, peers: [192.0.2.1, "fe80::1"] }]' }, /found IPv4 and IPv6/],
    [{ auth: "authkeys" }, /auth: found authkeys, accepted is an absolute path/],
    [{ "no-quorum": "suicide" }, /no-quorum: found suicide, accepted is .*stop/],
    [{ "ping-breaks-tie": "true" }, /ping-breaks-tie: found no ping node/],
    [{ ping: "{ required: true }" }, /required: found no ping node/],
    [{ groups: "[{ name: web, preferred: lvs9 }]" }, /preferred: found lvs9/],
    [
      { groups: "[{ name: web, scores: { lvs1: much } }]" },
      /scores: found much, accepted is a mapping of nodes/,
    ],
    [{ groups: "[{ name: web, scores: { lvs9: 1 } }]" }, /lvs9: found lvs9, accepted is one of the nodes/],
    [
      { groups: "[{ name: web, floating: [192.0.2.99] }]" },
      /found 192.0.2.99, accepted is an address of ha.floating/,
    ],
    [{ groups: "[{ name: web }, { name: db }]" }, /found two groups without floating/],
    [{ groups: "[{ name: web, floating: [] }]" }, /192.0.2.10 is moved by nobody/],
    [{ groups: "[{ name: web, resources: [{}] }]" }, /found none of lsb, ocf, systemd/],
    [{ fencing: "[{ node: lvs9, command: /f }]" }, /fencing\[0\].node: found lvs9/],
    [{ fencing: "[{ node: lvs1, command: fence }]" }, /command: found fence, accepted is the absolute path/],
    [{ crm: "on" }, /crm/],
  ] as readonly (readonly [Record<string, string>, RegExp])[]) {
    test(`is refused: ${JSON.stringify(lines)}`, () => {
      assert.match(refusal(pair(lines)), message);
    });
  }

  test("excludes the fence commands of virtual routers", () => {
    const fencing = "  fencing: [ { node: a, addresses: [ 10.0.0.2 ], command: /f } ]\n  heartbeat:";
    assert.match(
      refusal(pair().replace("  heartbeat:", fencing)),
      /ha\.fencing: found fencing beside heartbeat, accepted is heartbeat\.fencing/,
    );
  });

  test("excludes virtual routers", () => {
    const both = pair().replace("  heartbeat:", "  vrrp: { id: 51, interface: eth0 }\n  heartbeat:");
    assert.match(refusal(both), /found vrrp and heartbeat, accepted is one of them/);
  });

  test("the example is kept by a dump, with what it says and no more", () => {
    const text = readFileSync(new URL("../../../../examples/ha-heartbeat.yaml", import.meta.url), "utf8");
    const config = parse(text);
    const dumped = dumpConfig(config);
    assert.deepEqual(parse(dumped), config);
    assert.doesNotMatch(dumped, /dampen|warntime|no-quorum|encoding/);
  });
});
