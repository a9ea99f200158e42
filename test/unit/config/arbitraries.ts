/** Random valid configurations, for property tests. */
import fc from "fast-check";
import type { Config } from "../../../src/config/config.js";
import {
  type Endpoint,
  type Family,
  familyOf,
  formatEndpoint,
  formatIp,
  isUnicast,
} from "../../../src/core/address.js";
import {
  type AcceptProxy,
  MAX_INT32,
  PERSISTENCE_ENGINES,
  type ProxyProtocol,
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type TunnelSettings,
  type VirtualService,
} from "../../../src/core/model.js";
import { SYSCTLS, type SysctlName } from "../../../src/core/sysctls.js";

import { haSettings } from "./ha-arbitraries.js";

export const SCHEDULERS = ["rr", "wrr", "lc", "wlc", "sh"];

const word = fc.nat(0xffffffff);
const address = fc.oneof(
  word.map((value) => formatIp(4, value)),
  fc.tuple(word, word, word, word).map((words) => formatIp(6, ...words)),
);
const port = fc.integer({ min: 1, max: 65535 });
const count = fc.oneof(fc.nat(10), fc.nat(MAX_INT32));

/** Few addresses, so that two configurations have some in common; those of services begin with 10.1. */
const vip = fc.record({ address: fc.nat(5).map((i) => `10.1.0.${i}`), port: fc.constantFrom(80, 443) });
const ids: fc.Arbitrary<ServiceId> = fc.oneof(
  vip.map((endpoint) => ({ protocol: "tcp" as const, ...endpoint })),
  fc.record({ protocol: fc.constantFrom("tcp", "udp", "sctp"), address, port: fc.nat(65535) }),
  fc.record({ protocol: fc.constant("tcp"), address: fc.constantFrom("0.0.0.0", "::"), port: fc.nat(65535) }),
  fc.record({ fwmark: fc.integer({ min: 1, max: 0xffffffff }), family: fc.constantFrom(4, 6) }),
);
const rip: fc.Arbitrary<Endpoint> = fc.oneof(
  fc.record({ address: fc.nat(9).map((i) => `10.2.0.${i}`), port: fc.constantFrom(80, 8080) }),
  fc.record({
    address: address.filter((text) => !text.startsWith("10.1.") && isUnicast(text)),
    port: fc.oneof(port, fc.constant(0)),
  }),
);

const checksum = fc.constantFrom("none" as const, "csum" as const, "remcsum" as const);
const tunnel: fc.Arbitrary<TunnelSettings> = fc.oneof(
  fc.record({ type: fc.constantFrom("ipip" as const, "gre" as const), checksum }),
  fc.record({ type: fc.constant("gue" as const), port, checksum }),
);

/** Of version 2, which services of every protocol can have. */
const proxyProtocol: fc.Arbitrary<ProxyProtocol> = fc.record({
  version: fc.constant(2 as const),
  crc32c: fc.boolean(),
  uniqueId: fc.boolean(),
});
const acceptProxy: fc.Arbitrary<AcceptProxy> = fc.record({
  from: fc.uniqueArray(fc.constantFrom("10.0.0.0/8", "192.0.2.1/32", "fd77::/16", "0.0.0.0/0"), {
    minLength: 1,
  }),
  others: fc.constantFrom("plain" as const, "refuse" as const),
  timeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
  maxHeader: fc.integer({ min: 536, max: 65_535 }),
});

const realserver: fc.Arbitrary<Realserver> = fc
  .record({
    endpoint: rip,
    weight: count,
    forwarding: fc.constantFrom("masq" as const, "route" as const, "tunnel" as const),
    thresholds: fc.tuple(count, count),
    tunnel: fc.option(tunnel, { nil: undefined }),
    header: fc.option(proxyProtocol, { nil: undefined }),
  })
  .map(({ endpoint, weight, forwarding, thresholds, tunnel: wrapped, header }) => ({
    ...endpoint,
    weight,
    forwarding,
    upperThreshold: Math.max(...thresholds),
    lowerThreshold: Math.min(...thresholds),
    ...(forwarding === "tunnel" && wrapped && { tunnel: wrapped }),
    ...(header && { proxyProtocol: header }),
  }));

const settings: fc.Arbitrary<Omit<ServiceSettings, "persistence" | "onePacket">> = fc
  .record({
    scheduler: fc.constantFrom(...SCHEDULERS),
    schedulerFlags: fc.nat(7).map((bits) => bits << 3),
    persistenceEngine: fc.constantFrom(undefined, ...PERSISTENCE_ENGINES),
    sorry: fc.option(
      rip.filter((endpoint) => endpoint.port > 0),
      { nil: undefined },
    ),
    toSorry: fc.constantFrom(undefined, 2 as const),
    connectMs: fc.integer({ min: 1, max: 3_600_000 }),
    connections: count,
    perSource: count,
    redispatch: fc.nat(8),
    source: fc.uniqueArray(address.filter(isUnicast), { maxLength: 3 }),
  })
  .map(({ connectMs, connections, perSource, sorry, toSorry, persistenceEngine, source, ...others }) => ({
    ...others,
    ...(source.length > 0 && { source }),
    ...(sorry && { sorry }),
    ...(sorry && toSorry && { sorryProxyProtocol: toSorry }),
    ...(persistenceEngine && { persistenceEngine }),
    timeouts: { connectMs },
    limits: { connections, perSource },
  }));

const service: fc.Arbitrary<VirtualService> = fc
  .record({
    id: ids,
    settings,
    onePacket: fc.boolean(),
    persistenceSec: fc.option(fc.integer({ min: 1, max: 31 * 86_400 }), { nil: undefined }),
    netmask: fc.record({ 4: word.map((value) => formatIp(4, value)), 6: fc.integer({ min: 1, max: 128 }) }),
    realservers: fc.uniqueArray(realserver, { selector: formatEndpoint, maxLength: 8 }),
    accept: fc.option(acceptProxy, { nil: undefined }),
    addressing: fc.record({ isTransparent: fc.boolean(), intercepts: fc.boolean(), bypass: fc.boolean() }),
  })
  .map(({ id, settings: set, onePacket, persistenceSec, netmask, realservers, accept, addressing }) => ({
    id,
    settings: {
      ...set,
      ...(addressing.isTransparent &&
        canBeTransparent(id, set, realservers) && { transparent: true as const }),
      ...(addressing.intercepts &&
        isAny(id) && { intercept: { bypass: addressing.bypass && set.sorry === undefined } }),
      onePacket: onePacket && ("fwmark" in id || id.protocol === "udp"),
      ...(persistenceSec && { persistence: { timeoutSec: persistenceSec, netmask: netmask[family(id)] } }),
      ...(accept && ("fwmark" in id || id.protocol === "tcp") && { acceptProxy: accept }),
    },
    realservers,
  }));

function canBeTransparent(
  id: ServiceId,
  { source }: Pick<ServiceSettings, "source">,
  realservers: readonly Realserver[],
): boolean {
  const isTcp = "fwmark" in id || id.protocol === "tcp";
  return (
    isTcp && source === undefined && realservers.every((server) => familyOf(server.address) === family(id))
  );
}

function isAny(id: ServiceId): boolean {
  return "address" in id && id.protocol === "tcp" && ["0.0.0.0", "::"].includes(id.address);
}

function family(id: ServiceId): Family {
  return "fwmark" in id ? id.family : familyOf(id.address);
}

const seconds = fc.integer({ min: 1, max: 31 * 86_400 });
const knobs = fc.record(
  Object.fromEntries(
    Object.entries(SYSCTLS).map(([name, { min, max }]) => [name, fc.integer({ min, max })]),
  ) as Record<SysctlName, fc.Arbitrary<number>>,
);

/** Any configuration that a file can mean. */
export const configs: fc.Arbitrary<Config> = fc
  .record({
    services: fc.uniqueArray(service, {
      selector: ({ id }) => serviceKey(id),
      maxLength: 5,
    }),
    timeouts: fc.record({ tcpSec: seconds, tcpFinSec: seconds, udpSec: seconds }),
    sysctls: knobs,
    state: fc.option(
      fc.record({ directory: fc.constantFrom("/var/lib/uvs", "a: b"), persistEdits: fc.boolean() }),
      {
        nil: undefined,
      },
    ),
    control: fc.record({
      socket: fc.constantFrom("/run/uvs/uvsd.sock", "uvsd.sock", "/tmp/a b"),
      mode: fc.nat(0o777),
    }),
    dataplane: fc.constantFrom("auto" as const, "native" as const, "net" as const),
    threads: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 64 })),
    limits: fc.record({
      connections: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 10_000_000 })),
      flows: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 1_048_576 })),
      services: fc.integer({ min: 5, max: 16_384 }),
      realservers: fc.integer({ min: 40, max: 262_144 }),
      templates: fc.integer({ min: 1, max: 16_777_216 }),
    }),
    shutdown: fc.record({ graceMs: fc.nat(86_400_000) }),
    log: fc.record({
      level: fc.constantFrom(
        "fatal" as const,
        "error" as const,
        "warn" as const,
        "info" as const,
        "debug" as const,
      ),
      format: fc.constantFrom("auto" as const, "pretty" as const, "json" as const),
    }),
    accessLog: fc.option(fc.record({ file: fc.constantFrom("stdout", "/var/log/uvs.log") }), {
      nil: undefined,
    }),
    metrics: fc.option(
      fc.record({
        listen: fc.record({
          address: fc.constantFrom("127.0.0.1", "::", "fd77::1"),
          port: fc.integer({ min: 1, max: 65535 }),
        }),
      }),
      { nil: undefined },
    ),
    ha: fc.option(haSettings.map(withoutUndefined), { nil: undefined }),
  })
  // The clone makes ordinary objects of those that fast-check makes without prototype.
  .map(({ accessLog, metrics, state, ha, ...config }) =>
    structuredClone({
      ...config,
      forwarding: config.services.every(isMasqueraded) ? ("strict" as const) : ("proxy" as const),
      // The other data plane cannot be transparent.
      dataplane: config.services.some(({ settings: { transparent } }) => transparent)
        ? "native"
        : config.dataplane,
      ...(state && { state }),
      ...(accessLog && { accessLog }),
      ...(metrics && { metrics }),
      ...(ha && { ha }),
    }),
  );

/** A plain object has no keys without value. */
function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function isMasqueraded({ realservers }: VirtualService): boolean {
  return realservers.every(({ forwarding }) => forwarding === "masq");
}
