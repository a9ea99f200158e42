/**
 * ipvsadm's command line as data: every command and option with its spellings, and which options are required,
 * allowed, or exclude one another with which command. Source: ipvsadm 1.31, `ipvsadm -h` and ipvsadm(8).
 */

/** Commands by the names that ipvsadm's messages give them; `-C` is "flush" there. */
export type CommandName =
  | "add-service"
  | "edit-service"
  | "delete-service"
  | "flush"
  | "list"
  | "add-server"
  | "delete-server"
  | "edit-server"
  | "set"
  | "start-daemon"
  | "stop-daemon"
  | "restore"
  | "save"
  | "zero"
  | "help"
  | "version";

/** Options by the names that messages give them, in the order in which they are checked against the command. */
export const OPTION_NAMES = [
  "numeric",
  "connection",
  "service-address",
  "scheduler",
  "persistent",
  "netmask",
  "real-server",
  "forwarding-method",
  "weight",
  "u-threshold",
  "l-threshold",
  "mcast-interface",
  "timeout",
  "daemon",
  "stats",
  "rate",
  "thresholds",
  "persistent-conn",
  "nosort",
  "syncid",
  "exact",
  "ops",
  "pe",
  "sched-flags",
  "mcast-group",
  "mcast-port",
  "mcast-ttl",
  "sync-maxlen",
  "tun-info",
  "tun-type",
  "tun-port",
  "tun-nocsum",
  "tun-csum",
  "tun-remcsum",
  "atomic",
  "ports",
  "proxy-protocol",
] as const;
export type OptionName = (typeof OPTION_NAMES)[number];

/** Whether a spelling takes a value: never, always, or if the next word does not begin with `-`. */
export type ValueKind = "none" | "required" | "optional";

/** One way to write a command or an option. */
export interface Spelling {
  readonly long: string;
  readonly short?: string;
  readonly value: ValueKind;
  /** The command that it is. */
  readonly command?: CommandName;
  /** The option that it sets; several spellings may set the same one, `--sort` and `-6` set none. */
  readonly sets?: OptionName;
}

function command(long: string, short?: string, name?: CommandName, value: ValueKind = "none"): Spelling {
  return { long, short, value, command: name ?? (long as CommandName) };
}

function flag(long: string, short?: string, sets = long as OptionName): Spelling {
  return { long, short, value: "none", sets };
}

function valued(long: string, short?: string, sets = long as OptionName): Spelling {
  return { long, short, value: "required", sets };
}

/** Every spelling that ipvsadm knows, and `--atomic`, `--ports` and `--proxy-protocol`, which are uvsadm's own. */
export const SPELLINGS: readonly Spelling[] = [
  command("add-service", "A"),
  command("edit-service", "E"),
  command("delete-service", "D"),
  command("clear", "C", "flush"),
  command("restore", "R"),
  command("save", "S"),
  command("add-server", "a"),
  command("edit-server", "e"),
  command("delete-server", "d"),
  command("list", "L"),
  command("list", "l"),
  command("zero", "Z"),
  command("set"),
  command("start-daemon", undefined, undefined, "required"),
  command("stop-daemon", undefined, undefined, "required"),
  command("help", "h"),
  command("version", "v"),
  valued("tcp-service", "t", "service-address"),
  valued("udp-service", "u", "service-address"),
  valued("sctp-service", undefined, "service-address"),
  valued("fwmark-service", "f", "service-address"),
  { long: "ipv6", short: "6", value: "none" },
  valued("scheduler", "s"),
  { long: "persistent", short: "p", value: "optional", sets: "persistent" },
  valued("netmask", "M"),
  valued("real-server", "r"),
  flag("gatewaying", "g", "forwarding-method"),
  flag("ipip", "i", "forwarding-method"),
  flag("masquerading", "m", "forwarding-method"),
  valued("weight", "w"),
  valued("u-threshold", "x"),
  valued("l-threshold", "y"),
  flag("numeric", "n"),
  flag("connection", "c"),
  flag("exact", "X"),
  flag("ops", "o"),
  valued("pe"),
  valued("sched-flags", "b"),
  { long: "sort", value: "none" },
  flag("nosort"),
  flag("timeout"),
  flag("daemon"),
  flag("stats"),
  flag("rate"),
  flag("thresholds"),
  flag("persistent-conn"),
  flag("tun-info"),
  valued("tun-type"),
  valued("tun-port"),
  flag("tun-nocsum"),
  flag("tun-csum"),
  flag("tun-remcsum"),
  valued("mcast-interface"),
  valued("mcast-group"),
  valued("mcast-port"),
  valued("mcast-ttl"),
  valued("syncid"),
  valued("sync-maxlen"),
  flag("atomic"),
  valued("ports"),
  valued("proxy-protocol"),
];

/** What one command does with each option; an option not named is illegal. */
export interface Legality {
  readonly required?: readonly OptionName[];
  readonly allowed?: readonly OptionName[];
  /** At most one of these. */
  readonly exclusive?: readonly OptionName[];
}

const SERVICE: Legality = {
  required: ["service-address"],
  allowed: ["scheduler", "persistent", "netmask", "ops", "pe", "sched-flags", "ports"],
};
const SERVER: Legality = {
  required: ["service-address", "real-server"],
  allowed: [
    "forwarding-method",
    "weight",
    "u-threshold",
    "l-threshold",
    "tun-type",
    "tun-port",
    "tun-nocsum",
    "tun-csum",
    "tun-remcsum",
    "proxy-protocol",
  ],
};

/** Which options go with which command. */
export const LEGALITY: Readonly<Record<CommandName, Legality>> = {
  "add-service": SERVICE,
  "edit-service": SERVICE,
  "delete-service": { required: ["service-address"] },
  flush: {},
  list: {
    exclusive: ["connection", "service-address", "timeout", "daemon"],
    allowed: [
      "numeric",
      "stats",
      "rate",
      "thresholds",
      "persistent-conn",
      "nosort",
      "syncid",
      "exact",
      "tun-info",
    ],
  },
  "add-server": SERVER,
  "edit-server": SERVER,
  "delete-server": { required: ["service-address", "real-server"] },
  set: {},
  "start-daemon": {
    allowed: ["mcast-interface", "syncid", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen"],
  },
  "stop-daemon": { allowed: ["syncid"] },
  restore: { allowed: ["atomic"] },
  save: { allowed: ["numeric"] },
  zero: { allowed: ["service-address"] },
  help: {},
  version: {},
};

/** Which tunnel options go with which tunnel type. */
export const TUNNEL_LEGALITY: Readonly<Record<"ipip" | "gue" | "gre", Legality>> = {
  ipip: {},
  gue: { required: ["tun-port"], exclusive: ["tun-nocsum", "tun-csum", "tun-remcsum"] },
  gre: { exclusive: ["tun-nocsum", "tun-csum"] },
};
