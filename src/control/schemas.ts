/** The request bodies of the control API. Field names, units and defaults are those of the model in `core/model.ts`. */
import { z } from "zod";
import { type Endpoint, type Family, familyOf, parseIp } from "../core/address.js";
import { MAX_TRIED } from "../core/dispatch.js";
import { UvsError } from "../core/errors.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  DEFAULT_TUNNEL,
  MAX_INT32,
  MAX_LISTEN_ON,
  MAX_SOURCES,
  type Realserver,
  SCHEDULER_FLAG_BITS,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import { parseServiceKey } from "../core/service-key.js";
import { ipAddress, keys, oneOf, wholeNumber } from "./body.js";
import { healthModel } from "./health-schemas.js";
import { acceptProxyBody, proxyProtocolBody, proxyVersion } from "./proxy-protocol-schemas.js";

const ALL_FLAGS = Object.values(SCHEDULER_FLAG_BITS).reduce((bits, bit) => bits | bit, 0);
const FLAGS_ACCEPTED = `a sum of ${[...new Set(Object.values(SCHEDULER_FLAG_BITS))].join(", ")}`;
/** 31 days, as ipvsadm bounds `-p`. */
const MAX_PERSISTENCE_SEC = 2_678_400;
/** Bounds the work of one request; a service with more is made with several. */
const MAX_REALSERVERS = 4096;
/** 31 days, as ipvsadm bounds `--set`. */
const MAX_TIMEOUT_SEC = 2_678_400;
/** IP_VS_SCHEDNAME_MAXLEN without its final NUL; which names there are is the director's to know. */
const MAX_NAME_LENGTH = 15;
const NAME_ACCEPTED = `a name of 1 to ${MAX_NAME_LENGTH} characters`;
/** IFNAMSIZ without its final NUL. */
const INTERFACE_ACCEPTED = "the name of a network interface, 1 to 15 characters";
const SOURCES_ACCEPTED = `1 to ${MAX_SOURCES} addresses`;
const NETMASK_ACCEPTED = "a dotted IPv4 netmask, or an IPv6 prefix length from 1 to 128";

const endpoint = keys({ address: ipAddress(), port: wholeNumber(1, 65535) });
const listenEndpoint = keys({
  ...endpoint.shape,
  transport: z.literal("udp", "udp, or nothing").optional(),
});

const settingsShape = {
  scheduler: z
    .string(NAME_ACCEPTED)
    .min(1, NAME_ACCEPTED)
    .max(MAX_NAME_LENGTH, NAME_ACCEPTED)
    .default(DEFAULT_SETTINGS.scheduler),
  schedulerFlags: z
    .int(FLAGS_ACCEPTED)
    .min(0, FLAGS_ACCEPTED)
    .max(ALL_FLAGS, FLAGS_ACCEPTED)
    .refine((bits) => (bits & ~ALL_FLAGS) === 0, FLAGS_ACCEPTED)
    .default(DEFAULT_SETTINGS.schedulerFlags),
  persistence: keys({
    timeoutSec: wholeNumber(1, MAX_PERSISTENCE_SEC),
    netmask: z.union([z.string(), wholeNumber(1, 128)], NETMASK_ACCEPTED).optional(),
  }).optional(),
  listenOn: z
    .array(listenEndpoint, "a list of endpoints")
    .max(MAX_LISTEN_ON, `at most ${MAX_LISTEN_ON} endpoints`)
    .optional(),
  transparent: z.literal(true, "true, or nothing").optional(),
  source: z
    .array(ipAddress(), "a list of addresses")
    .min(1, SOURCES_ACCEPTED)
    .max(MAX_SOURCES, SOURCES_ACCEPTED)
    .optional(),
  intercept: keys({ bypass: z.boolean("true or false").default(false) }).optional(),
  onePacket: z.boolean("true or false").default(DEFAULT_SETTINGS.onePacket),
  persistenceEngine: z
    .string(NAME_ACCEPTED)
    .min(1, NAME_ACCEPTED)
    .max(MAX_NAME_LENGTH, NAME_ACCEPTED)
    .optional(),
  sorry: endpoint.optional(),
  sorryProxyProtocol: proxyVersion.optional(),
  acceptProxy: acceptProxyBody.optional(),
  timeouts: keys({
    connectMs: wholeNumber(1, MAX_INT32).default(DEFAULT_SETTINGS.timeouts.connectMs),
  }).default(DEFAULT_SETTINGS.timeouts),
  limits: keys({
    connections: wholeNumber(0, MAX_INT32).default(DEFAULT_SETTINGS.limits.connections),
    perSource: wholeNumber(0, MAX_INT32).default(DEFAULT_SETTINGS.limits.perSource),
  }).default(DEFAULT_SETTINGS.limits),
  redispatch: wholeNumber(0, MAX_TRIED).default(DEFAULT_SETTINGS.redispatch),
  health: healthModel.optional(),
};

const realserverShape = {
  weight: wholeNumber(0, MAX_INT32).default(DEFAULT_REALSERVER.weight),
  forwarding: oneOf(["masq", "route", "tunnel"]).default(DEFAULT_REALSERVER.forwarding),
  upperThreshold: wholeNumber(0, MAX_INT32).default(DEFAULT_REALSERVER.upperThreshold),
  lowerThreshold: wholeNumber(0, MAX_INT32).default(DEFAULT_REALSERVER.lowerThreshold),
  tunnel: keys({
    type: oneOf(["ipip", "gue", "gre"]).default(DEFAULT_TUNNEL.type),
    port: wholeNumber(1, 65535).optional(),
    checksum: oneOf(["none", "csum", "remcsum"]).default(DEFAULT_TUNNEL.checksum),
  }).optional(),
  proxyProtocol: proxyProtocolBody.optional(),
};

/** No body, or an empty object. */
export const nothingBody = keys({}).optional();

/** What a service is set to; what is left out takes its default, as `ipvsadm -E` does. */
export const settingsBody = keys(settingsShape).meta({ id: "SettingsInput" });

/** What a realserver is set to; what is left out takes its default, as `ipvsadm -e` does. */
export const realserverSettingsBody = keys(realserverShape).meta({ id: "RealserverSettingsInput" });

/** A realserver with its address. Port 0 keeps the port that the client addressed. */
export const realserverBody = keys({
  address: ipAddress(),
  port: wholeNumber(0, 65535),
  ...realserverShape,
}).meta({ id: "RealserverInput" });

/** What names a service: `tcp://10.0.0.1:80`. */
export const keyField = z.string("a service key such as tcp://10.0.0.1:80");

/** A whole service; `key` as in listings: `tcp://10.0.0.1:80`. */
export const serviceBody = keys({
  key: keyField,
  settings: settingsBody.prefault({}),
  realservers: z
    .array(realserverBody, "a list of realservers")
    .max(MAX_REALSERVERS, `at most ${MAX_REALSERVERS} realservers`)
    .default([]),
});

/** What a listing shows of each realserver, as ipvsadm's options are named; whether it is sorted; large numbers in full or not. */
export const listingQuery = keys({
  format: oneOf(["plain", "thresholds", "persistent-conn", "tun-info", "stats", "rate", "save"]).default(
    "plain",
  ),
  order: oneOf(["sorted", "none"]).default("sorted"),
  numbers: oneOf(["short", "exact"]).default("short"),
});

/** Time-outs in seconds; 0 or left out leaves that one as it is, as `ipvsadm --set` does. */
export const timeoutsBody = keys({
  tcpSec: wholeNumber(0, MAX_TIMEOUT_SEC).default(0),
  tcpFinSec: wholeNumber(0, MAX_TIMEOUT_SEC).default(0),
  udpSec: wholeNumber(0, MAX_TIMEOUT_SEC).default(0),
});

/** The value of a knob; which names and values there are is the director's to know. */
export const sysctlBody = keys({ value: wholeNumber(0, MAX_INT32) });

/** How a realserver is drained: after the deadline what is left is reset, without one never. */
export const drainBody = keys({ deadlineMs: wholeNumber(0, MAX_INT32).optional() }).optional();

export const roleField = oneOf(["master", "backup"]);

/** A sync daemon; what is left out takes its default, as `ipvsadm --start-daemon` does. */
export const syncDaemonBody = keys({
  role: roleField,
  interface: z
    .string(INTERFACE_ACCEPTED)
    .min(1, INTERFACE_ACCEPTED)
    .max(15, INTERFACE_ACCEPTED)
    .default("eth0"),
  syncId: wholeNumber(0, 255).default(0),
  maxLength: wholeNumber(1, 65507).default(1472),
  group: ipAddress().default("224.0.0.81"),
  port: wholeNumber(1, 65535).default(8848),
  ttl: wholeNumber(1, 255).default(1),
});

/**
 * A service from a checked body.
 * @throws UvsError INVALID where parts of it do not fit one another
 */
export function serviceFor(body: z.infer<typeof serviceBody>): VirtualService {
  const id = parseServiceKey(body.key);
  const realservers = body.realservers.map((server) => realserverFor(server, server));
  return { id, settings: settingsFor(id, body.settings), realservers };
}

/**
 * The settings of one service from a checked body: what depends on the service's family and protocol.
 * @throws UvsError INVALID where netmask or onePacket do not fit the service
 */
export function settingsFor(id: ServiceId, body: z.infer<typeof settingsBody>): ServiceSettings {
  const { persistence, ...settings } = body;
  if (settings.onePacket && "protocol" in id && id.protocol !== "udp") {
    throw misfit("onePacket", "true", `false for ${serviceKey(id)}: only UDP and firewall marks have it`);
  }
  if (persistence === undefined) return settings;
  const family = "fwmark" in id ? id.family : familyOf(id.address);
  const netmask = persistence.netmask ?? (family === 4 ? "255.255.255.255" : 128);
  if (!fitsFamily(netmask, family)) {
    const accepted = family === 4 ? "a dotted IPv4 netmask" : "an IPv6 prefix length from 1 to 128";
    throw misfit("persistence.netmask", JSON.stringify(netmask), `${accepted} for ${serviceKey(id)}`);
  }
  return { ...settings, persistence: { timeoutSec: persistence.timeoutSec, netmask } };
}

/**
 * A realserver from a checked body: what depends on several fields.
 * @throws UvsError INVALID where tunnel does not fit
 */
export function realserverFor(server: Endpoint, body: z.infer<typeof realserverSettingsBody>): Realserver {
  const { address, port } = server;
  const { tunnel, forwarding } = body;
  if (tunnel !== undefined && forwarding !== "tunnel") {
    throw misfit("tunnel", "an object", `nothing with forwarding ${forwarding}`);
  }
  if (tunnel !== undefined && (tunnel.port !== undefined) !== (tunnel.type === "gue")) {
    const accepted = tunnel.type === "gue" ? "a port with type gue" : `nothing with type ${tunnel.type}`;
    throw misfit("tunnel.port", `${tunnel.port ?? "nothing"}`, accepted);
  }
  return { ...body, address, port };
}

function fitsFamily(netmask: string | number, family: Family): boolean {
  return typeof netmask === "number" ? family === 6 : family === 4 && parseIp(netmask)?.family === 4;
}

function misfit(field: string, found: string, accepted: string): UvsError {
  return new UvsError("INVALID", `${field}: found ${found}, accepted is ${accepted}`, {
    details: { field, found },
  });
}
