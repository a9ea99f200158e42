import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SPELLINGS } from "../../../../src/control/ipvsadm/options.js";
import { runIpvsadm } from "../../../../src/control/ipvsadm/run.js";
import { formatIp } from "../../../../src/core/address.js";
import {
  DEFAULT_SETTINGS,
  DEFAULT_TUNNEL,
  type Realserver,
  realserverKey,
  type VirtualService,
} from "../../../../src/core/model.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";
import { IpvsKernelTwin } from "../../../helpers/ipvs-kernel-twin.js";

const word32 = fc.nat(0xffffffff);
const ipv4 = fc.integer({ min: 0x01000000, max: 0xdfffffff }).map((word) => formatIp(4, word));
const ipv6 = fc.tuple(word32, word32, word32, word32).map((words) => formatIp(6, ...words));
const anyPort = fc.integer({ min: 1, max: 65535 });

const tunnel = fc.oneof(
  fc.constant(DEFAULT_TUNNEL),
  fc.record({
    type: fc.constant("gre" as const),
    checksum: fc.constantFrom("none" as const, "csum" as const),
  }),
  fc.record({
    type: fc.constant("gue" as const),
    port: anyPort,
    checksum: fc.constantFrom("none" as const, "csum" as const, "remcsum" as const),
  }),
);

/** Realservers as ipvsadm can make them; thresholds are left out because -S does not save them. */
function realserver(address: fc.Arbitrary<string>, servicePort: number): fc.Arbitrary<Realserver> {
  const common = {
    address,
    weight: fc.nat(2147483647),
    upperThreshold: fc.constant(0),
    lowerThreshold: fc.constant(0),
  };
  return fc.oneof(
    fc.record({ ...common, port: fc.nat(65535), forwarding: fc.constant("masq" as const) }),
    fc.record({ ...common, port: fc.constant(servicePort), forwarding: fc.constant("route" as const) }),
    fc.record({
      ...common,
      address: fc.oneof(ipv4, ipv6),
      port: fc.constant(servicePort),
      forwarding: fc.constant("tunnel" as const),
      tunnel,
    }),
  );
}

const scheduler = fc.oneof(
  fc.record({ scheduler: fc.constantFrom("sh", "mh"), schedulerFlags: fc.constantFrom(0, 0x08, 0x10, 0x18) }),
  fc.record({
    scheduler: fc.constantFrom("rr", "wlc", "fo"),
    schedulerFlags: fc.nat(7).map((bits) => bits << 3),
  }),
);

const service: fc.Arbitrary<VirtualService> = fc
  .record({
    isIpv6: fc.boolean(),
    kind: fc.constantFrom("tcp", "udp", "sctp", "fwmark" as const),
    port: anyPort,
  })
  .chain(({ isIpv6, kind, port: servicePort }) => {
    const address = isIpv6 ? ipv6 : ipv4;
    const family = isIpv6 ? (6 as const) : (4 as const);
    const netmask = isIpv6 ? fc.integer({ min: 1, max: 128 }) : ipv4;
    const isFwmark = kind === "fwmark";
    return fc.record({
      id: isFwmark
        ? // Greater marks are saved negative, which ipvsadm itself cannot read back.
          fc.record({ fwmark: fc.integer({ min: 1, max: 2147483647 }), family: fc.constant(family) })
        : fc.record({
            protocol: fc.constant(kind as "tcp"),
            address,
            port: fc.constant(servicePort),
          }),
      settings: fc
        .record({
          scheduling: scheduler,
          persistence: fc.option(fc.record({ timeoutSec: fc.integer({ min: 1, max: 2678400 }), netmask }), {
            nil: undefined,
          }),
          onePacket: kind === "udp" || isFwmark ? fc.boolean() : fc.constant(false),
          persistenceEngine: fc.constantFrom(undefined, "sip"),
        })
        .map(({ scheduling, ...rest }) => ({ ...DEFAULT_SETTINGS, ...scheduling, ...rest })),
      realservers: fc.uniqueArray(realserver(address, isFwmark ? 0 : servicePort), {
        maxLength: 5,
        selector: (server) => `${server.address} ${server.port}`,
      }),
    });
  });

const table = fc.uniqueArray(service, { maxLength: 6, selector: ({ id }) => JSON.stringify(id) });

async function twinWith(services: readonly VirtualService[]): Promise<IpvsKernelTwin> {
  const twin = new IpvsKernelTwin();
  for (const each of services) await twin.addService(each);
  return twin;
}

/** What a table is, apart from order: services and realservers, tunnel defaults written out. */
async function content(twin: IpvsKernelTwin): Promise<unknown> {
  const services = await twin.services();
  const entries = services.map(({ key, settings, realservers }) => {
    const servers = realservers.map(({ address, port, weight, forwarding, tunnel }) => {
      const wrapping = forwarding === "tunnel" ? { port: 0, ...DEFAULT_TUNNEL, ...tunnel } : undefined;
      return { address, port, weight, forwarding, wrapping };
    });
    servers.sort((a, b) => realserverKey(a).localeCompare(realserverKey(b)));
    return { key, settings, servers };
  });
  entries.sort((a, b) => a.key.localeCompare(b.key));
  return JSON.parse(JSON.stringify(entries));
}

test("what is saved restores to the same table, and saves the same again", async () => {
  await fc.assert(
    fc.asyncProperty(table, async (services) => {
      const original = await twinWith(services);
      const save = await runIpvsadm(["-S", "-n"], "", original, GOLDEN_NAMES);
      const copy = new IpvsKernelTwin();
      const restored = await runIpvsadm(["-R"], save.stdout, copy, GOLDEN_NAMES);
      assert.deepEqual(restored, { exit: 0, stdout: "", stderr: "" });
      assert.deepEqual(await content(copy), await content(original));
      assert.equal((await runIpvsadm(["-S", "-n"], "", copy, GOLDEN_NAMES)).stdout, save.stdout);
    }),
    { numRuns: 200 },
  );
});

const spelled = fc
  .constantFrom(...SPELLINGS)
  .map(({ long, short }) => (short === undefined ? `--${long}` : `-${short}`));
const values = [
  "1.2.3.4:80",
  "[fd77::1]:80",
  "5",
  "0",
  "-1",
  "",
  "rr",
  "sh-port",
  "x",
  "-",
  "--",
  "255.0.0.0",
  "\n",
  "[",
  "__proto__",
];
const words = fc.array(fc.oneof(spelled, fc.constantFrom(...values), fc.string()), { maxLength: 9 });

test("whatever the words are, the program answers with a status of its own and never throws", async () => {
  const twin = await twinWith([]);
  await fc.assert(
    fc.asyncProperty(words, async (argv) => {
      const result = await runIpvsadm(argv, "", twin, GOLDEN_NAMES);
      assert.ok([0, 1, 2, 255].includes(result.exit), String(result.exit));
      assert.equal(result.exit === 0, result.stderr === "");
    }),
    { numRuns: 3000 },
  );
});

test("whatever is restored, the program never throws, and an atomic restore that fails changes nothing", async () => {
  const stream = fc
    .array(words, { maxLength: 6 })
    .map((lines) => lines.map((line) => line.join(" ")).join("\n"));
  await fc.assert(
    fc.asyncProperty(table, stream, async (services, text) => {
      const twin = await twinWith(services);
      const before = await content(twin);
      const atomic = await runIpvsadm(["-R", "--atomic"], text, twin, GOLDEN_NAMES);
      if (atomic.exit !== 0) assert.deepEqual(await content(twin), before);
      await runIpvsadm(["-R"], text, twin, GOLDEN_NAMES);
    }),
    { numRuns: 300 },
  );
});
