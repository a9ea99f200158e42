/** Random valid high availability, for property tests. */
import fc from "fast-check";
import type {
  HaCommand,
  HaHeartbeatSettings,
  HaNotifySettings,
  HaResourceSettings,
  HaSettings,
  HeartbeatLinkSettings,
  VrrpRouterSettings,
} from "../../../src/core/ha-settings.js";
import type { SyncSettings } from "../../../src/core/sync-settings.js";

const ms = (min: number, max: number) => fc.integer({ min, max });
const word = fc.constantFrom("a", "chk_web", "with blank", "x: y", "#1");
const command: fc.Arbitrary<HaCommand> = fc.record({
  path: fc.constantFrom("/bin/true", "/usr/local/bin/a b"),
  args: fc.array(fc.constantFrom("one", "two words", "-x"), { maxLength: 3 }),
});
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const notify: fc.Arbitrary<HaNotifySettings> = fc.record({
  master: maybe(command),
  any: maybe(command),
  webhooks: fc.array(fc.constantFrom("http://10.0.0.1/hook", "https://hooks.example/x?y=1"), {
    maxLength: 2,
  }),
  timeoutMs: ms(1000, 3_600_000),
});

const times = {
  monitorMs: ms(0, 86_400_000),
  startTimeoutMs: ms(1000, 3_600_000),
  stopTimeoutMs: ms(1000, 3_600_000),
};
const resource: fc.Arbitrary<HaResourceSettings> = fc.oneof(
  fc.record({
    kind: fc.constant("lsb" as const),
    path: fc.constant("/etc/init.d/web"),
    args: fc.array(word, { maxLength: 2 }),
    ...times,
  }),
  fc.record({
    kind: fc.constant("ocf" as const),
    provider: fc.constant("heartbeat"),
    type: fc.constant("Filesystem"),
    instance: maybe(word),
    parameters: fc.dictionary(fc.constantFrom("device", "fstype"), word),
    ...times,
  }),
  fc.record({ kind: fc.constant("systemd" as const), unit: fc.constant("web.service"), ...times }),
);

/** Times of either version. */
const pace = fc.oneof(
  fc.record({ version: fc.constant(2 as const), advertMs: ms(1, 255).map((s) => s * 1000) }),
  fc.record({ version: fc.constant(3 as const), advertMs: ms(1, 4095).map((cs) => cs * 10) }),
);

/** A virtual router of IPv4 without its addresses. */
const router = fc
  .record({
    id: fc.integer({ min: 1, max: 255 }),
    interface: fc.constantFrom("eth0", "bond0.7"),
    pace,
    priority: fc.integer({ min: 1, max: 254 }),
    source: maybe(fc.constant("10.9.0.1")),
    unicast: maybe(
      fc.record({
        peers: fc.array(
          fc.record({
            address: fc.constantFrom("10.9.0.2", "10.9.0.3"),
            minTtl: fc.nat(255),
            maxTtl: fc.nat(255),
          }),
          { minLength: 1, maxLength: 2 },
        ),
        ttl: fc.integer({ min: 1, max: 255 }),
      }),
    ),
    hmac: maybe(
      fc.record({
        keys: fc.constant([
          { id: 1, key: "k".repeat(32) },
          { id: 2, key: `0x${"0f".repeat(64)}` },
        ]),
        activeKey: fc.constantFrom(1, 2),
        mode: fc.constantFrom("enforce" as const, "permissive" as const, "receive-only" as const),
        windowMs: ms(3000, 300_000),
      }),
    ),
    checksum: fc.constantFrom("pseudo-header" as const, "message-only" as const),
    preempt: fc.boolean(),
    preemptDelayMs: ms(0, 1_000_000),
    deadAdverts: fc.integer({ min: 1, max: 100 }),
    startupDelayMs: ms(0, 3_600_000),
    lastAdvert: fc.boolean(),
    tracked: fc.array(
      fc.record({
        kind: fc.constantFrom("interface" as const, "service" as const),
        weight: fc.integer({ min: -253, max: 253 }),
        reverse: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
    announce: fc.record({
      repeat: fc.integer({ min: 1, max: 100 }),
      delayMs: ms(0, 3_600_000),
      refreshMs: ms(0, 86_400_000),
    }),
    resources: fc.array(resource, { maxLength: 2 }),
    recovery: fc.record({
      restarts: fc.nat(1000),
      retryMs: ms(0, 604_800_000),
      releaseMs: ms(0, 3_600_000),
    }),
    notify,
  })
  .map(
    ({ pace: { version, advertMs }, tracked, ...rest }): Omit<VrrpRouterSettings, "floating"> => ({
      name: `VI_${rest.id}`,
      family: 4,
      ...rest,
      version,
      advertMs,
      // In the order of the file: interfaces, scripts, services.
      track: tracked
        .map((item) => ({ ...item, name: item.kind === "interface" ? "eth1" : "tcp://10.1.0.1:80" }))
        .sort((a, b) => a.kind.localeCompare(b.kind)),
      ...(version === 2 && rest.id % 2 === 0 && { password: "secret" }),
    }),
  );

const sync: fc.Arbitrary<SyncSettings> = fc.record(
  {
    node: fc.constantFrom("a", "director-1.example"),
    listen: fc.record({
      address: fc.constantFrom("10.9.0.1", "fd77::1"),
      port: fc.integer({ min: 1, max: 65535 }),
    }),
    peers: fc.uniqueArray(
      fc.record({
        address: fc.constantFrom("10.9.0.2", "10.9.0.3"),
        port: fc.integer({ min: 1, max: 65535 }),
      }),
      { selector: ({ address }) => address, minLength: 1 },
    ),
    keyFile: fc.constantFrom("/etc/uvs/sync.key", "/a b"),
    tls: fc.record(
      {
        certificate: fc.constantFrom("/etc/uvs/lb1.pem", "/c d"),
        key: fc.constant("/etc/uvs/lb1.key"),
        ca: fc.constant("/etc/uvs/ca.pem"),
        names: fc.uniqueArray(fc.constantFrom("lb2.example", "lb3", "10.9.0.2", "fd77::2"), { minLength: 1 }),
      },
      { requiredKeys: ["certificate", "key", "ca"] },
    ),
  },
  { requiredKeys: ["listen", "peers", "keyFile"] },
);

const groupParts = {
  announce: fc.record({
    repeat: fc.integer({ min: 1, max: 100 }),
    delayMs: ms(0, 3_600_000),
    refreshMs: ms(0, 86_400_000),
  }),
  resources: fc.array(resource, { maxLength: 2 }),
  recovery: fc.record({ restarts: fc.nat(1000), retryMs: ms(0, 604_800_000), releaseMs: ms(0, 3_600_000) }),
  notify,
};

const link: fc.Arbitrary<HeartbeatLinkSettings> = fc.oneof(
  fc.record({
    kind: fc.constant("ucast" as const),
    interface: fc.constantFrom("eth0", "eth1"),
    peers: fc.constantFrom(["10.9.0.1", "10.9.0.2"], ["10.9.0.2"]),
    source: maybe(fc.constant("10.9.0.1")),
  }),
  fc.record({ kind: fc.constant("bcast" as const), interface: fc.constant("eth2") }),
  fc.record({
    kind: fc.constant("mcast" as const),
    interface: fc.constant("eth0"),
    group: fc.constantFrom("239.0.0.1", "ff02::69"),
    ttl: fc.integer({ min: 1, max: 255 }),
  }),
);

const NODES = ["lvs1", "lvs2", "lvs3"];

const fencing = fc.uniqueArray(
  fc.record({
    node: fc.constantFrom("lvs1", "lvs2"),
    command,
    action: fc.constantFrom("off" as const, "reset" as const),
    timeoutMs: ms(1000, 3_600_000),
    retryMs: ms(100, 3_600_000),
    delayMs: ms(0, 3_600_000),
  }),
  { selector: ({ node }) => node, maxLength: 2 },
);

/** A heartbeat cluster whose first group moves these addresses. */
const heartbeat = fc
  .record({
    node: fc.constantFrom("lvs1", "lvs2"),
    size: fc.constantFrom(2, 3),
    links: fc.array(link, { minLength: 1, maxLength: 3 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    keyFile: fc.constantFrom("/etc/uvs/authkeys", "/etc/ha.d/authkeys"),
    generationFile: fc.constantFrom("/var/lib/uvs/heartbeat-generation", "/tmp/generation"),
    keepaliveMs: ms(10, 2000),
    deadMs: ms(4001, 20_000),
    warnMs: ms(2001, 4001),
    initDeadMs: ms(20_000, 60_000),
    autoFailback: fc.boolean(),
    noQuorum: fc.constantFrom("stop" as const, "freeze" as const, "ignore" as const),
    pingBreaksTie: fc.boolean(),
    dampenMs: ms(0, 60_000),
    encoding: fc.constantFrom("netstring" as const, "classic" as const),
    ping: fc.record({
      targets: fc.constantFrom(
        [{ name: "10.9.0.254", hosts: ["10.9.0.254"] }],
        [
          { name: "10.9.0.254", hosts: ["10.9.0.254"] },
          { name: "dns", hosts: ["10.9.0.250", "10.9.0.251"] },
        ],
      ),
      deadMs: ms(4001, 20_000),
      multiplier: fc.nat(100_000),
      isRequired: fc.boolean(),
    }),
    names: fc.uniqueArray(fc.constantFrom("web", "db", "mail"), { minLength: 1, maxLength: 2 }),
    group: fc.record({
      preferred: maybe(fc.constantFrom("lvs1", "lvs2")),
      scores: fc.dictionary(fc.constantFrom("lvs1", "lvs2"), fc.integer({ min: -1_000_000, max: 1_000_000 })),
      stickiness: maybe(fc.integer({ min: -1_000_000, max: 1_000_000 })),
      ...groupParts,
    }),
    fencing,
  })
  .map(
    ({ size, names, group, ...rest }) =>
      (floating: readonly string[]): HaHeartbeatSettings => ({
        ...rest,
        nodes: NODES.slice(0, size),
        groups: names.map((name, i) => ({ name, ...group, floating: i === 0 ? floating : [] })),
      }),
  );

/** Any high availability that a file can mean, as far as IPv4 goes. */
export const haSettings: fc.Arbitrary<HaSettings> = fc
  .record({
    routers: fc.uniqueArray(router, { selector: ({ id }) => id, maxLength: 3 }),
    addresses: fc.uniqueArray(fc.integer({ min: 10, max: 99 }), { maxLength: 4 }),
    owner: fc.nat(),
    floating: fc.record({
      prefix: fc.integer({ min: 1, max: 32 }),
      broadcast: maybe(fc.constantFrom("+", "10.9.0.255")),
      scope: maybe(fc.constantFrom("global" as const, "link" as const)),
      label: maybe(fc.constant("eth0:1")),
      isAdvertised: fc.boolean(),
    }),
    scripts: fc.uniqueArray(
      fc.record({
        name: word,
        command,
        intervalMs: ms(10, 86_400_000),
        timeoutMs: ms(10, 3_600_000),
        rise: fc.integer({ min: 1, max: 1000 }),
        fall: fc.integer({ min: 1, max: 1000 }),
      }),
      { selector: ({ name }) => name, maxLength: 2 },
    ),
    notify,
    fences: fencing,
    sync: maybe(sync),
    cluster: maybe(heartbeat),
  })
  .map(
    ({
      routers: all,
      addresses,
      owner,
      floating,
      scripts,
      notify: groupNotify,
      fences,
      sync: links,
      cluster,
    }) => {
      const routers = cluster === undefined ? all : [];
      const moved = routers.length === 0 && cluster === undefined ? [] : addresses;
      const vrrp = routers.map((settings, i) => ({
        ...settings,
        floating: moved.filter((_, at) => (at + owner) % routers.length === i).map((n) => `10.9.0.${n}`),
      }));
      return {
        floating: moved.map((n) => ({ ...floating, address: `10.9.0.${n}`, interface: "eth0" })),
        vrrp,
        ...(cluster && { heartbeat: cluster(moved.map((n) => `10.9.0.${n}`)) }),
        scripts,
        syncGroups:
          vrrp.length < 2
            ? []
            : [{ name: "VG_1", members: vrrp.map(({ name }) => name), notify: groupNotify }],
        fencing:
          cluster === undefined
            ? fences.map((fence) => ({
                ...fence,
                addresses: [`10.9.1.${fence.node.at(-1)}`, "fe80::1"].slice(0, fences.length === 1 ? 2 : 1),
              }))
            : [],
        ...(links && { sync: links }),
      };
    },
  );
