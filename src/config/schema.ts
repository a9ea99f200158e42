/**
 * The configuration file as a zod schema: every key with its default, its bounds and its description. The JSON Schema
 * for editors is generated from it, and `docs/configuration.md` has each of its keys.
 */
import { z } from "zod";
import type { CheckOption } from "../core/health-settings.js";
import {
  DEFAULT_TUNNEL,
  MAX_INT32,
  PERSISTENCE_ENGINES,
  SCHEDULER_FLAG_BITS,
  type SchedulerFlag,
} from "../core/model.js";
import { SYSCTLS, type SysctlName } from "../core/sysctls.js";
import { addressingShape } from "./addressing.js";
import { parseEndpoint } from "./endpoint.js";
import { choice, duration, field, flag, integer, integerOrAuto, list, section, text } from "./fields.js";
import { haSchema } from "./ha-schema.js";
import { healthShape } from "./health-schema.js";
import { LISTEN_PATTERN, parseListens, parsePortItem } from "./listen.js";
import { parseNetmask } from "./netmask.js";
import type { PortLookup } from "./port-names.js";
import { acceptProxySchema, proxyProtocolSchema, proxyVersion } from "./proxy-protocol.js";
import { parseRealserverRange } from "./realserver-range.js";
import { refuse } from "./refuse.js";

/** What the schema needs to know from outside. */
export interface SchemaContext {
  /** Names of all schedulers, in the order that messages list them. */
  readonly schedulers: readonly string[];
  readonly portOf: PortLookup;
}

/** Tries the options of a check's kind. @throws UvsError INVALID */
export type TryCheck = (kind: string, options: Readonly<Record<string, CheckOption>>) => void;

/** A service as it stands in the file, values read. */
export type ServiceEntry = z.output<ReturnType<typeof serviceSchema>>;
/** A realserver entry as it stands in the file, values read; it may be a range. */
export type RealserverEntry = z.output<ReturnType<typeof realserverSchema>>;
/** The file, values read. */
export type FileEntry = z.output<ReturnType<typeof fileSchema>>;

/** Longest path of a unix socket: `sun_path` of unix(7) is 108 bytes with its final NUL. */
const MAX_SOCKET_PATH = 107;
/** PATH_MAX of Linux without the final NUL. */
const MAX_PATH = 4095;
/** As ipvsadm bounds `--set` and `-p`. */
const MAX_TIMEOUT = "31d";

const FLAGS = Object.keys(SCHEDULER_FLAG_BITS) as SchedulerFlag[];

function realserverSchema({ portOf }: SchemaContext) {
  const mapping = section(
    {
      address: field((input) => parseRealserverRange(input, portOf), { type: "string" }).describe(
        "ADDRESS[:PORT], or a range such as 192.168.0.10-20:80. Without a port, that of the service. IPv6 addresses with a port stand in brackets and quotes.",
      ),
      weight: integer(0, MAX_INT32)
        .prefault(1)
        .describe("Share of the new connections, relative to the others. 0 is quiesced: no new connections."),
      "upper-threshold": integer(0, MAX_INT32)
        .prefault(0)
        .describe("No new connections once there are so many; 0 is no threshold."),
      "lower-threshold": integer(0, MAX_INT32)
        .prefault(0)
        .describe(
          "After the upper threshold, new connections again below so many; 0 is three quarters of the upper one.",
        ),
      forwarding: choice(["masq", "route", "tunnel"])
        .prefault("masq")
        .describe("Forwarding method asked for: masquerading, direct routing, or tunnelling."),
      tunnel: section({
        type: choice(["ipip", "gue", "gre"])
          .prefault(DEFAULT_TUNNEL.type)
          .describe("How packets are wrapped; kept and listed."),
        port: integer(1, 65535)
          .optional()
          .describe("Destination port of gue, which needs one; others have none."),
        checksum: choice(["none", "csum", "remcsum"])
          .prefault(DEFAULT_TUNNEL.checksum)
          .describe("Checksum of the outer header."),
      })
        .optional()
        .describe("The tunnel of forwarding method tunnel."),
      "proxy-protocol": proxyProtocolSchema()
        .optional()
        .describe("v1 or v2: sends a PROXY protocol header before the first byte of each connection."),
    },
    "an address, or ",
  );
  return z.preprocess((input) => (typeof input === "string" ? { address: input } : input), mapping);
}

function serviceSchema(context: SchemaContext) {
  const { schedulers, portOf } = context;
  return section({
    listen: field((input) => parseListens(input, portOf), {
      anyOf: [
        { type: "string", pattern: LISTEN_PATTERN },
        { type: "array", items: { type: "string", pattern: LISTEN_PATTERN }, minItems: 1 },
      ],
    }).describe(
      "What clients address: tcp://, udp:// or sctp:// with ADDRESS:PORT, fwmark://MARK or fwmark6://MARK. The port may be a service name; 0 is any port. With mark a list of its members.",
    ),
    mark: integer(1, 0xffffffff)
      .optional()
      .describe(
        "Firewall mark that joins the members in listen, tcp://ADDRESS:PORT and udp://ADDRESS:PORT, into one service.",
      ),
    ports: list(field(parsePortItem, { anyOf: [{ type: "integer" }, { type: "string" }] }), "ports").describe(
      'Ports and ranges such as "1024-1030" that a service of all ports listens on. Without this key the kernel diverts all.',
    ),
    scheduler: choice(schedulers).prefault("wlc").describe("Chooses the realserver of each new connection."),
    "scheduler-flags": list(choice(FLAGS), "scheduler flags").describe(
      "Flags of the scheduler: sh-port, sh-fallback, mh-port, mh-fallback; flag-1 to flag-3 set the bare bits.",
    ),
    persistence: section({
      timeout: duration("1s", MAX_TIMEOUT, 1000)
        .prefault("360s")
        .describe("How long a client's template lives after its last connection."),
      netmask: field(parseNetmask, {
        anyOf: [{ type: "string" }, { type: "integer", minimum: 1, maximum: 128 }],
      })
        .optional()
        .describe(
          "What of a client's address counts: a dotted netmask, of IPv6 a prefix length. Without it all of the address.",
        ),
    })
      .optional()
      .describe("Clients keep their realserver. Without this key they do not."),
    "persistence-engine": choice(PERSISTENCE_ENGINES)
      .optional()
      .describe("Persistence engine; kept and listed."),
    ...addressingShape,
    "one-packet": flag()
      .prefault(false)
      .describe("Schedules each packet anew; only for UDP and firewall marks."),
    realservers: list(realserverSchema(context), "realservers").describe(
      "Who serves. An entry is a mapping, or just an address.",
    ),
    sorry: field((input) => parseEndpoint(input, portOf), { type: "string" })
      .optional()
      .describe("ADDRESS:PORT of the sorry server, which serves when no realserver is available."),
    "sorry-proxy-protocol": proxyVersion()
      .optional()
      .describe("v1 or v2: as proxy-protocol of realservers, for the sorry server."),
    "accept-proxy": acceptProxySchema()
      .optional()
      .describe("Connections from these networks begin with a PROXY protocol header. Only for TCP."),
    "connect-timeout": duration("1ms", "1h")
      .prefault("5s")
      .describe("Time to connect to a realserver before the next one is tried."),
    ...healthShape,
    redispatch: integer(0, 8)
      .prefault(2)
      .describe("How many other realservers are tried when connecting fails."),
    "max-connections": integer(0, MAX_INT32)
      .prefault(0)
      .describe("Concurrent connections of the service; 0 is no limit."),
    "max-connections-per-source": integer(0, MAX_INT32)
      .prefault(0)
      .describe("Concurrent connections of one client address to the service; 0 is no limit."),
  });
}

const timeouts = section({
  tcp: duration("1s", MAX_TIMEOUT, 1000).prefault("900s").describe("Idle time of an established connection."),
  "tcp-fin": duration("1s", MAX_TIMEOUT, 1000)
    .prefault("120s")
    .describe("Time to finish after one side has finished."),
  udp: duration("1s", MAX_TIMEOUT, 1000).prefault("300s").describe("Idle time of a UDP flow."),
});

const control = section({
  socket: text(MAX_SOCKET_PATH, `a path of at most ${MAX_SOCKET_PATH} bytes`)
    .prefault("/run/uvs/uvsd.sock")
    .describe("Path of the control socket."),
  mode: field(parseMode, { type: "string", pattern: "^0?[0-7]{3}$" })
    .prefault("0660")
    .describe("Permissions of the control socket: octal digits in quotes."),
});

const limits = section({
  connections: integerOrAuto(1, 10_000_000)
    .prefault("auto")
    .describe("Concurrent connections of the director; auto fits them into the limit of file descriptors."),
  flows: integerOrAuto(1, 1_048_576)
    .prefault("auto")
    .describe(
      "UDP flows of the director; a descriptor each. auto is a quarter of the limit of file descriptors. At the bound the flow that has rested longest without a recent answer gives way.",
    ),
  services: integer(1, 16_384).prefault(1024).describe("Services for which memory is set aside."),
  realservers: integer(1, 262_144)
    .prefault(16_384)
    .describe("Realservers of all services for which memory is set aside."),
  templates: integer(1, 16_777_216)
    .prefault(1_048_576)
    .describe(
      "Persistence templates of all services. Each takes up to 72 bytes once it is used; when all are, those that end soonest give way.",
    ),
});

const log = section({
  level: choice(["fatal", "error", "warn", "info", "debug"])
    .prefault("info")
    .describe("Least severity logged."),
  format: choice(["auto", "pretty", "json"])
    .prefault("auto")
    .describe("auto is pretty on a terminal and JSON otherwise."),
});

const sysctls = section(
  Object.fromEntries(
    Object.entries(SYSCTLS).map(([name, { initial, min, max, meaning }]) => [
      name,
      integer(min, max).prefault(initial).describe(`${meaning}.`),
    ]),
  ) as Record<SysctlName, z.ZodPrefault<ReturnType<typeof integer>>>,
);

/** The schema of the whole file, value by value; what must hold between values is in `checks.ts`. */
export function fileSchema(context: SchemaContext) {
  return section({
    services: list(serviceSchema(context), "services").describe("The virtual services."),
    timeouts: timeouts.prefault({}).describe("Time-outs of connections, as ipvsadm --set has them."),
    sysctls: sysctls.prefault({}).describe("The kernel's knobs, net.ipv4.vs.*, by their names."),
    forwarding: choice(["proxy", "strict"])
      .prefault("proxy")
      .describe(
        "proxy carries every forwarding method; strict refuses realservers whose method can only be carried otherwise than asked.",
      ),
    state: text(MAX_PATH, "the path of a directory")
      .optional()
      .describe("Directory for state that outlives the director."),
    "persist-edits": flag()
      .prefault(false)
      .describe("Keeps live edits in the state directory, so that they survive a restart."),
    control: control.prefault({}).describe("The socket through which uvs and uvsadm speak to the director."),
    dataplane: choice(["auto", "native", "net"])
      .prefault("auto")
      .describe("What carries the bytes: native system calls, node:net, or native where it works."),
    threads: integerOrAuto(1, 64)
      .prefault("auto")
      .describe("Threads of the native data plane; auto is one for each core."),
    limits: limits.prefault({}).describe("Bounds of the director."),
    shutdown: section({
      grace: duration("0s", "1d").prefault("30s").describe("Time that connections get to finish at the end."),
    })
      .prefault({})
      .describe("How the director stops."),
    log: log.prefault({}).describe("The log on standard error."),
    "access-log": section({
      file: text(MAX_PATH, "a path, or stdout").describe("Path of the file, or stdout."),
    })
      .optional()
      .describe("One record for each connection. Without this key there is none."),
    metrics: section({
      listen: field((input) => parseEndpoint(input, context.portOf), { type: "string" }).describe(
        "Address and port at which HTTP answers GET /metrics, to whoever can connect.",
      ),
    })
      .optional()
      .describe("Metrics over TCP. Without this key only the control socket has them."),
    ha: haSchema.optional().describe("High availability: floating addresses that directors share."),
  });
}

function parseMode(input: unknown): number {
  if (typeof input === "string" && /^0?[0-7]{3}$/.test(input)) return Number.parseInt(input, 8);
  return refuse(
    input,
    'three or four octal digits in quotes such as "0660"',
    typeof input === "number" ? "a number: YAML reads digits without quotes as decimal" : undefined,
  );
}
