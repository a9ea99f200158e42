/**
 * What a command line has said so far. Options are read from left to right and the meaning of one depends on those
 * before it (`-r` without a port takes the port of an earlier `-t`, `-6` needs an earlier `-f`), as in ipvsadm.
 */
import type { Family } from "../../core/address.js";
import {
  DEFAULT_TUNNEL,
  type ForwardingMethod,
  type Protocol,
  type ProxyProtocol,
  type SyncDaemonRole,
  type TunnelSettings,
} from "../../core/model.js";
import { parsePorts } from "../../core/port-list.js";
import { parseAddress, parseHost } from "./address.js";
import { CommandLineError } from "./failure.js";
import type { NameResolver } from "./names.js";
import type { OptionName, Spelling } from "./options.js";
import { firewallMark, multicastGroup, numberOr, timeoutSec } from "./values.js";

/** `-p` without a value, in seconds (ipvsadm 1.31; its manual page says 300). */
const DEFAULT_PERSISTENCE_SEC = 360;
/** Names that the kernel keeps have at most 15 characters. */
const MAX_NAME = 15;
const MAX_INT32 = 2147483647;

/** The values collected; numbers in the units of the command line. */
export interface Draft {
  readonly given: Set<OptionName>;
  readonly service: {
    family: Family;
    protocol: Protocol | undefined;
    address: string;
    port: number;
    /** 0: no firewall-mark service */
    fwmark: number;
    scheduler: string;
    schedulerFlags: string;
    persistenceSec: number | undefined;
    netmask: string | number;
    engine: string | undefined;
    /** Of a service of all ports: those that it listens on. */
    ports: number[] | undefined;
  };
  readonly server: {
    family: Family;
    address: string;
    port: number;
    forwarding: ForwardingMethod;
    weight: number;
    upperThreshold: number;
    lowerThreshold: number;
    tunnel: TunnelSettings;
    /** Header that it is sent; undefined: none. */
    proxyProtocol: ProxyProtocol | undefined;
  };
  readonly daemon: {
    role: SyncDaemonRole;
    interface: string;
    syncId: number;
    maxLength: number;
    group: string;
    port: number;
    ttl: number;
  };
  /** 0: as it is */
  readonly timeouts: { tcpSec: number; tcpFinSec: number; udpSec: number };
}

/** A draft with ipvsadm's defaults. */
export function newDraft(): Draft {
  return {
    given: new Set(),
    service: {
      family: 4,
      protocol: undefined,
      address: "0.0.0.0",
      port: 0,
      fwmark: 0,
      scheduler: "",
      schedulerFlags: "",
      persistenceSec: undefined,
      netmask: "255.255.255.255",
      engine: undefined,
      ports: undefined,
    },
    server: {
      family: 4,
      address: "0.0.0.0",
      port: 0,
      forwarding: "route",
      weight: 1,
      upperThreshold: 0,
      lowerThreshold: 0,
      tunnel: DEFAULT_TUNNEL,
      proxyProtocol: undefined,
    },
    daemon: {
      role: "master",
      interface: "eth0",
      syncId: 0,
      maxLength: 1472,
      group: "224.0.0.81",
      port: 8848,
      ttl: 1,
    },
    timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 0 },
  };
}

/**
 * Takes one option into the draft.
 * @throws CommandLineError (2) where it was given before, or its value is not valid
 */
export async function takeOption(
  draft: Draft,
  spelling: Spelling,
  value: string | undefined,
  resolver: NameResolver,
): Promise<void> {
  const { sets } = spelling;
  if (sets !== undefined) {
    if (draft.given.has(sets)) throw new CommandLineError(`multiple '${sets}' options specified`);
    draft.given.add(sets);
  }
  await TAKE[spelling.long]?.(draft, value ?? "", resolver, value !== undefined);
}

type Take = (draft: Draft, value: string, resolver: NameResolver, hasValue: boolean) => void | Promise<void>;

/** Spellings that only have to be noted as given are not here. */
const TAKE: Readonly<Record<string, Take>> = {
  "tcp-service": takeService("tcp"),
  "udp-service": takeService("udp"),
  "sctp-service": takeService("sctp"),
  "fwmark-service": ({ service }, value) => {
    service.family = 4;
    service.protocol = "tcp";
    service.fwmark = firewallMark(value);
  },
  ipv6: ({ service }) => {
    // ipvsadm's own message ends in an empty line.
    if (service.fwmark === 0) throw new CommandLineError("-6 used before -f\n");
    service.family = 6;
    service.netmask = 128;
  },
  scheduler: ({ service }, value) => {
    service.scheduler = value.slice(0, MAX_NAME);
  },
  "sched-flags": ({ service }, value) => {
    service.schedulerFlags = value;
  },
  persistent: ({ service }, value, _resolver, hasValue) => {
    service.persistenceSec = hasValue ? timeoutSec(value, 1) : DEFAULT_PERSISTENCE_SEC;
  },
  netmask: async ({ service }, value, resolver) => {
    service.netmask = service.family === 6 ? prefixLength(value) : await dottedMask(value, resolver);
  },
  pe: ({ service }, value) => {
    service.engine = value.slice(0, MAX_NAME);
  },
  ports: ({ service }, value) => {
    const items = value.split(",").map(parsePorts);
    if (items.includes(undefined)) throw new CommandLineError("illegal ports specified");
    service.ports = items.flatMap((ports) => ports ?? []);
  },
  "real-server": takeServer,
  gatewaying: takeForwarding("route"),
  ipip: takeForwarding("tunnel"),
  masquerading: takeForwarding("masq"),
  weight: ({ server }, value) => {
    server.weight = numberOr("illegal weight specified", value, 0, MAX_INT32);
  },
  "u-threshold": ({ server }, value) => {
    server.upperThreshold = numberOr("illegal u_threshold specified", value, 0, MAX_INT32);
  },
  "l-threshold": ({ server }, value) => {
    server.lowerThreshold = numberOr("illegal l_threshold specified", value, 0, MAX_INT32);
  },
  "tun-type": ({ server }, value) => {
    if (value !== "ipip" && value !== "gue" && value !== "gre") {
      throw new CommandLineError("illegal tunnel type specified");
    }
    server.tunnel = { ...server.tunnel, type: value };
  },
  "tun-port": ({ server }, value) => {
    const port = numberOr("illegal tunnel port specified", value, 1, 65535);
    server.tunnel = { ...server.tunnel, port };
  },
  "tun-nocsum": takeChecksum("none"),
  "tun-csum": takeChecksum("csum"),
  "tun-remcsum": takeChecksum("remcsum"),
  "proxy-protocol": ({ server }, value) => {
    if (value !== "v1" && value !== "v2" && value !== "none") {
      throw new CommandLineError("illegal proxy-protocol specified: v1, v2 or none");
    }
    const version = value === "v1" ? 1 : 2;
    server.proxyProtocol = value === "none" ? undefined : { version, crc32c: false, uniqueId: false };
  },
  "mcast-interface": ({ daemon }, value) => {
    daemon.interface = value.slice(0, MAX_NAME);
  },
  "mcast-group": ({ daemon }, value) => {
    daemon.group = multicastGroup(value);
  },
  "mcast-port": ({ daemon }, value) => {
    daemon.port = numberOr("illegal mcast-port specified", value, 1, 65535);
  },
  "mcast-ttl": ({ daemon }, value) => {
    daemon.ttl = numberOr("illegal mcast-ttl specified", value, 1, 255);
  },
  syncid: ({ daemon }, value) => {
    daemon.syncId = numberOr("illegal syncid specified", value, 0, 255);
  },
  "sync-maxlen": ({ daemon }, value) => {
    daemon.maxLength = numberOr("illegal sync-maxlen specified", value, 1, 65507);
  },
};

function takeService(protocol: Protocol): Take {
  return async ({ service }, value, resolver) => {
    service.protocol = protocol;
    const parsed = await parseAddress(value, protocol, resolver);
    if (parsed === undefined) throw new CommandLineError("illegal virtual server address[:port] specified");
    service.family = parsed.family;
    service.address = parsed.address;
    service.port = parsed.port ?? 0;
    if (parsed.family === 6) service.netmask = 128;
  };
}

async function takeServer({ service, server }: Draft, value: string, resolver: NameResolver): Promise<void> {
  const parsed = await parseAddress(value, service.protocol, resolver);
  if (parsed === undefined) throw new CommandLineError("illegal real server address[:port] specified");
  server.family = parsed.family;
  server.address = parsed.address;
  server.port = parsed.port ?? service.port;
}

function takeForwarding(forwarding: ForwardingMethod): Take {
  return ({ server }) => {
    server.forwarding = forwarding;
  };
}

function takeChecksum(checksum: TunnelSettings["checksum"]): Take {
  return ({ server }) => {
    server.tunnel = { ...server.tunnel, checksum };
  };
}

/** As atoi reads it: what follows the digits is ignored. */
function prefixLength(text: string): number {
  return numberOr("illegal ipv6 netmask specified", /^\s*[+-]?\d*/.exec(text)![0], 1, 128);
}

/** Any IPv4 address will do as a mask, even a host name's; holes in it are not looked for. */
async function dottedMask(text: string, resolver: NameResolver): Promise<string> {
  const mask = await parseHost(text, resolver);
  if (mask === undefined) throw new CommandLineError("illegal virtual server persistent mask specified");
  return mask;
}
