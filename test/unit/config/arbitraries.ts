/** Random valid configurations, for property tests. */
import fc from "fast-check";
import type { Config } from "../../../src/config/config.js";
import { type Endpoint, formatEndpoint, formatIp } from "../../../src/core/address.js";
import {
  MAX_INT32,
  type Realserver,
  type ServiceSettings,
  type VirtualService,
} from "../../../src/core/model.js";

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
const rip: fc.Arbitrary<Endpoint> = fc.oneof(
  fc.record({ address: fc.nat(9).map((i) => `10.2.0.${i}`), port: fc.constantFrom(80, 8080) }),
  fc.record({ address: address.filter((text) => !text.startsWith("10.1.")), port }),
);

const realserver: fc.Arbitrary<Realserver> = fc
  .record({
    endpoint: rip,
    weight: count,
    forwarding: fc.constantFrom("masq" as const, "route" as const, "tunnel" as const),
    thresholds: fc.tuple(count, count),
  })
  .map(({ endpoint, weight, forwarding, thresholds }) => ({
    ...endpoint,
    weight,
    forwarding,
    upperThreshold: Math.max(...thresholds),
    lowerThreshold: Math.min(...thresholds),
  }));

const settings: fc.Arbitrary<ServiceSettings> = fc
  .record({
    scheduler: fc.constantFrom(...SCHEDULERS),
    schedulerFlags: fc.nat(7).map((bits) => bits << 3),
    sorry: fc.option(rip, { nil: undefined }),
    connectMs: fc.integer({ min: 1, max: 3_600_000 }),
    connections: count,
    perSource: count,
    redispatch: fc.nat(8),
  })
  .map(({ scheduler, schedulerFlags, sorry, connectMs, connections, perSource, redispatch }) => ({
    scheduler,
    schedulerFlags,
    onePacket: false,
    ...(sorry && { sorry }),
    timeouts: { connectMs },
    limits: { connections, perSource },
    redispatch,
  }));

const service: fc.Arbitrary<VirtualService> = fc
  .record({
    vip,
    settings,
    realservers: fc.uniqueArray(realserver, { selector: formatEndpoint, maxLength: 8 }),
  })
  .map(({ vip: endpoint, settings: set, realservers }) => ({
    id: { protocol: "tcp", ...endpoint },
    settings: set,
    realservers,
  }));

const seconds = fc.integer({ min: 1, max: 24 * 86_400 });

/** Any configuration that a file can mean. */
export const configs: fc.Arbitrary<Config> = fc
  .record({
    services: fc.uniqueArray(service, {
      selector: ({ id }) => ("protocol" in id ? formatEndpoint(id) : ""),
      maxLength: 5,
    }),
    timeouts: fc.record({ tcpSec: seconds, tcpFinSec: seconds, udpSec: seconds }),
    control: fc.record({
      socket: fc.constantFrom("/run/uvs/uvsd.sock", "uvsd.sock", "/tmp/a b"),
      mode: fc.nat(0o777),
    }),
    dataplane: fc.constantFrom("auto" as const, "native" as const, "net" as const),
    threads: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 64 })),
    limits: fc.record({
      connections: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 10_000_000 })),
      services: fc.integer({ min: 5, max: 16_384 }),
      realservers: fc.integer({ min: 40, max: 262_144 }),
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
  })
  // The clone makes ordinary objects of those that fast-check makes without prototype.
  .map(({ accessLog, ...config }) => structuredClone({ ...config, ...(accessLog && { accessLog }) }));
