/** The section `ha` of a file: what it comes to, and what is refused where. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { describeChange, diffConfigs } from "../../../src/config/diff.js";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";
import { UvsError } from "../../../src/core/errors.js";
import type { HaSettings } from "../../../src/core/ha-settings.js";

const options = { schedulers: ["wlc"] };
const parse = (text: string) => parseConfig(text, "uvs.yaml", options);

function ha(text: string): HaSettings {
  const { ha: settings } = parse(text);
  assert.ok(settings !== undefined);
  return settings;
}

/** The lines of the refusal. */
function refusals(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    return UvsError.from(error).message.split("\n");
  }
  return [];
}

const SHORT = `ha:
  floating: [ { address: 192.168.71.205/24, interface: eth0 } ]
  vrrp: { id: 51, interface: eth0, priority: 150, advertise: 1s }
`;

test("a mapping is a list of one virtual router with keepalived's defaults, which moves all addresses", () => {
  const { floating, vrrp } = ha(SHORT);
  assert.deepEqual(floating, [
    { address: "192.168.71.205", prefix: 24, interface: "eth0", isAdvertised: true },
  ]);
  assert.equal(vrrp.length, 1);
  const { name, version, family, priority, advertMs, floating: moved, preempt, deadAdverts } = vrrp[0];
  assert.deepEqual(
    { name, version, family, priority, advertMs, moved, preempt, deadAdverts },
    {
      name: "VI_51",
      version: 2,
      family: 4,
      priority: 150,
      advertMs: 1000,
      moved: ["192.168.71.205"],
      preempt: true,
      deadAdverts: 3,
    },
  );
});

test("an IPv6 address makes version 3 the default", () => {
  const [router] = ha(SHORT.replace("192.168.71.205/24", '"fd79::100/64"')).vrrp;
  assert.deepEqual([router.version, router.family], [3, 6]);
});

test("an id stands for one virtual router of each family on an interface", () => {
  const { vrrp } = ha(`ha:
  floating: [ { address: 10.0.0.1/24, interface: a }, { address: "fd00::1/64", interface: a } ]
  vrrp:
    - { name: four, id: 1, interface: a, floating: [ 10.0.0.1 ] }
    - { name: six, id: 1, interface: a, floating: [ "fd00::1" ] }`);
  assert.deepEqual(
    vrrp.map(({ id, family }) => [id, family]),
    [
      [1, 4],
      [1, 6],
    ],
  );
});

test("a virtual router without floating moves what no other one names", () => {
  const { vrrp } = ha(`ha:
  floating: [ { address: 10.0.0.1/24, interface: eth0 }, { address: 10.0.0.2/24, interface: eth0 } ]
  vrrp: [ { id: 1, interface: eth0, floating: [ 10.0.0.2 ] }, { id: 2, interface: eth0 } ]`);
  assert.deepEqual(
    vrrp.map(({ floating }) => floating),
    [["10.0.0.2"], ["10.0.0.1"]],
  );
});

test("a tracked thing is its name, or a mapping with what it does to the priority", () => {
  const text = SHORT.replace(
    "advertise: 1s",
    'track: { interfaces: [ eth1, { name: eth2, weight: -20, reverse: true } ], services: [ "tcp://10.0.0.1:80" ] }',
  );
  assert.deepEqual(ha(text).vrrp[0].track, [
    { kind: "interface", name: "eth1", weight: 0, reverse: false },
    { kind: "interface", name: "eth2", weight: -20, reverse: true },
    { kind: "service", name: "tcp://10.0.0.1:80", weight: 0, reverse: false },
  ]);
});

/** What is put in the place of `advertise: 1s`, and the place and words of the refusal. */
const ROUTER_REFUSALS: readonly (readonly [keys: string, where: string, words: RegExp])[] = [
  ["advertise: 500ms", "advertise", /found "500ms", accepted is whole seconds with version 2/],
  ["version: 3, advertise: 15ms", "advertise", /accepted is 10ms to 40.95s in steps of 10ms/],
  ["version: 3, advertise: 60s", "advertise", /accepted is 10ms to 40.95s/],
  ["version: 3, password: secret", "password", /has no field for it; accepted is hmac/],
  ["priority2: 3", "priority2", /unknown key/],
  ["floating: [ 10.0.0.1 ]", "floating[0]", /accepted is an address of ha.floating: 192.168.71.205/],
  ['source: "fd79::1"', "source", /accepted is an IPv4 address/],
  ['peers: [ 10.0.0.2, "fd79::1" ]', "peers[1]", /accepted is an IPv4 address/],
  [
    "track: { scripts: [ web ] }",
    "track.scripts[0]",
    /accepted is a name of ha.scripts, of which there is none/,
  ],
  ["track: { services: [ web ] }", "track.services[0]", /tcp:\/\//],
  ["track: { interfaces: [ { name: eth1, weight: 300 } ] }", "track.interfaces[0]", /from -253 to 253/],
  [
    "hmac: { keys: [ { id: 1, key: short } ], active: 1 }",
    "hmac.keys[0].key",
    /found "5 bytes", accepted is a text of 32/,
  ],
  [
    `hmac: { keys: [ { id: 1, key: ${"k".repeat(32)} } ], active: 2 }`,
    "hmac.active",
    /the id of one of the keys: 1/,
  ],
  ["resources: [ { monitor: 1s } ]", "resources[0]", /found none of lsb, ocf, systemd/],
  ["resources: [ { lsb: /a, systemd: b } ]", "resources[0]", /found lsb and systemd/],
  ["resources: [ { lsb: /a, parameters: { b: c } } ]", "resources[0].parameters", /without ocf/],
  ["notify: { any: notify.sh }", "notify.any", /absolute path/],
  ["notify: { webhooks: [ ftp://a ] }", "notify.webhooks[0]", /begins with http/],
];

for (const [keys, where, words] of ROUTER_REFUSALS) {
  test(`a virtual router with ${keys} is refused at ${where}`, () => {
    const lines = refusals(SHORT.replace("advertise: 1s", keys).replace("priority: 150", "priority: 101"));
    const line = lines.find(
      (text) => text.includes(`ha.vrrp.${where}: `) || text.includes(`ha.vrrp[0].${where}: `),
    );
    assert.ok(line !== undefined, lines.join("\n"));
    assert.match(line, /^uvs\.yaml:3:\d+: /);
    assert.match(line, words);
  });
}

test("an owner's priority is not to be changed by what is tracked", () => {
  const keys = "priority: 255, track: { interfaces: [ { name: eth1, weight: 5 } ] }";
  assert.match(refusals(SHORT.replace("priority: 150", keys))[0], /weight 0 with priority 255/);
});

/** Whole sections and what of them is refused. */
const SECTION_REFUSALS: readonly (readonly [what: string, section: string, words: RegExp])[] = [
  [
    "an address twice",
    "floating: [ { address: 10.0.0.1/24, interface: a }, { address: 10.0.0.1/8, interface: b } ]",
    /ha\.floating\[1\]\.address: .*each address once/,
  ],
  [
    "an address without a use",
    "floating: [ { address: 10.0.0.1/24, interface: a } ]\n  vrrp: { id: 1, interface: a, floating: [] }",
    /ha\.floating\[0\]: 10\.0\.0\.1 is moved by nobody/,
  ],
  [
    "both families in one virtual router",
    'floating: [ { address: 10.0.0.1/24, interface: a }, { address: "fd00::1/64", interface: a } ]\n  vrrp: { id: 1, interface: a }',
    /found IPv4 and IPv6 .*accepted is one family/,
  ],
  ["a prefix that is too long", "floating: [ { address: 10.0.0.1/33, interface: a } ]", /from 1 to 32/],
  [
    "two virtual routers of one name",
    "vrrp: [ { id: 1, interface: a, floating: [] }, { name: VI_1, id: 2, interface: a, floating: [] } ]",
    /each name once/,
  ],
  [
    "an id twice on an interface",
    "vrrp: [ { name: x, id: 1, interface: a, floating: [] }, { id: 1, interface: a, floating: [] } ]",
    /an id that vrrp\[0\] does not have on a for IPv4/,
  ],
  [
    "an id twice on an interface, in two versions",
    "vrrp: [ { name: x, id: 1, version: 2, interface: a, floating: [] }, { id: 1, version: 3, interface: a, floating: [] } ]",
    /an id that vrrp\[0\] does not have on a for IPv4/,
  ],
  [
    "two that move the rest",
    "vrrp: [ { id: 1, interface: a }, { id: 2, interface: a } ]",
    /two virtual routers without floating/,
  ],
  [
    "a sync group of strangers",
    "sync-groups: [ { name: g, members: [ x ] } ]",
    /ha\.sync-groups\[0\]\.members\[0\]: found "x"/,
  ],
  [
    "a script without a path",
    "scripts: [ { name: a, command: true } ]",
    /ha\.scripts\[0\]\.command: found true/,
  ],
];

for (const [what, section, words] of SECTION_REFUSALS) {
  test(`${what}: refused with its place`, () => {
    const lines = refusals(`ha:\n  ${section}\n`);
    assert.ok(
      lines.some((line) => words.test(line) && /^uvs\.yaml:[2-4]:\d+: ha/.test(line)),
      lines.join("\n"),
    );
  });
}

test("a secret stands in no message", () => {
  const lines = refusals(
    SHORT.replace("advertise: 1s", "hmac: { keys: [ { id: 1, key: swordfish } ], active: 1 }"),
  );
  assert.ok(lines.length > 0);
  assert.doesNotMatch(lines.join(), /swordfish/);
});

test("a configuration dumped has only what differs from the defaults", () => {
  assert.equal(
    dumpConfig(parse(SHORT)),
    `ha:
  floating:
    - address: 192.168.71.205/24
      interface: eth0
  vrrp:
    - id: 51
      interface: eth0
      priority: 150
`,
  );
});

test("a difference is one change, whatever has changed", () => {
  const changes = diffConfigs(parse(SHORT), parse(SHORT.replace("150", "140")));
  assert.deepEqual(changes.map(describeChange), ["ha: changed"]);
  assert.deepEqual(diffConfigs(parse(SHORT), parse("")).map(describeChange), ["ha: removed"]);
  assert.deepEqual(diffConfigs(parse(SHORT), parse(SHORT)), []);
});

test("the files of docs/ha.md are right", () => {
  const document = readFileSync(new URL("../../../../docs/ha.md", import.meta.url), "utf8");
  const files = [...document.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text);
  const whole = files.filter((text) => /\bid: /.test(text));
  assert.ok(whole.length >= 2);
  for (const text of whole) assert.ok(ha(text).vrrp.length > 0);
});

const FENCING =
  "  fencing: [ { node: lvs2, addresses: [ 10.0.0.2, 10.1.0.2 ], command: /sbin/fence --by ipmi } ]\n";

test("a fence command has heartbeat's defaults, and all addresses of a director", () => {
  assert.deepEqual(ha(SHORT + FENCING).fencing, [
    {
      node: "lvs2",
      addresses: ["10.0.0.2", "10.1.0.2"],
      command: { path: "/sbin/fence", args: ["--by", "ipmi"] },
      action: "reset",
      timeoutMs: 60_000,
      retryMs: 5000,
      delayMs: 0,
    },
  ]);
});

for (const [line, message] of [
  ["{ node: a, addresses: [], command: /f }", /ha\.fencing\[0\]\.addresses: found none/],
  ["{ node: a, addresses: [ host ], command: /f }", /ha\.fencing\[0\]\.addresses\[0\]: found "host"/],
  ["{ node: a, addresses: [ 10.0.0.2 ], command: fence }", /ha\.fencing\[0\]\.command: .*absolute path/],
  ["{ node: a, addresses: [ 10.0.0.2 ], command: /f, timeout: 1ms }", /ha\.fencing\[0\]\.timeout/],
  [
    "{ node: a, addresses: [ 10.0.0.2 ], command: /f }, { node: a, addresses: [ 10.0.0.3 ], command: /f }",
    /ha\.fencing\[1\]\.node: found "a", accepted is each node once/,
  ],
  [
    "{ node: a, addresses: [ 10.0.0.2 ], command: /f }, { node: b, addresses: [ 10.0.0.2 ], command: /f }",
    /ha\.fencing\[1\]\.addresses\[0\]: found "10\.0\.0\.2", accepted is each address once/,
  ],
] as readonly (readonly [string, RegExp])[]) {
  test(`a fence command is refused: ${line}`, () => {
    assert.match(refusals(`${SHORT}  fencing: [ ${line} ]\n`).join("\n"), message);
  });
}
