/** From words to a command: what ipvsadm accepts and refuses, with its messages and in its order of checking. */
import type { Endpoint } from "../../core/address.js";
import type { Realserver, ServiceId, SyncDaemonRole } from "../../core/model.js";
import { type IpvsadmCommand, LIST_ALL, type ListFormat, type ServiceChoice } from "./command.js";
import { type Draft, newDraft, takeOption } from "./draft.js";
import { CommandLineError, usageHint } from "./failure.js";
import { checkLegality, checkListing, checkTunnelLegality } from "./legality.js";
import type { NameResolver } from "./names.js";
import type { CommandName, OptionName } from "./options.js";
import { type MetOption, OptionReader } from "./popt.js";
import { schedulerFlagBits, timeoutSec } from "./values.js";

/** ipvsadm's default, also for an empty `-s`. */
const DEFAULT_SCHEDULER = "wlc";

/**
 * Reads a command line.
 * @param argv the words after the program's name
 * @param program its name as messages give it
 * @throws CommandLineError with ipvsadm's text and exit status
 */
export async function parseCommandLine(
  argv: readonly string[],
  resolver: NameResolver,
  program: string,
): Promise<IpvsadmCommand> {
  if (argv.length === 0) return LIST_ALL;
  const reader = new OptionReader(argv);
  const draft = newDraft();
  const name = readCommand(reader, draft, program);
  if (name === "help" || name === "version") return { name };

  for (let met = reader.next(); met !== undefined; met = reader.next()) {
    if (met.spelling.command !== undefined)
      throw new CommandLineError(`invalid option \`${reader.lastWord}'`);
    await takeOption(draft, met.spelling, met.value, resolver);
  }
  const words = name === "set" ? takeTimeouts(reader.words, draft) : reader.words;
  if (words.length > 0) throw new CommandLineError(`unexpected argument ${words[0]}`);
  const schedulerFlags = schedulerFlagBits(draft.service.schedulerFlags, draft.service.scheduler);

  checkLegality(name, draft.given);
  return build(name, draft, schedulerFlags);
}

/** The first option must be the command. */
function readCommand(reader: OptionReader, draft: Draft, program: string): CommandName {
  const met = firstOption(reader);
  const name = met?.spelling.command;
  if (name === undefined) throw usageHint(program);
  if (name === "start-daemon" || name === "stop-daemon") {
    if (met?.value !== "master" && met?.value !== "backup") {
      throw new CommandLineError(
        name === "start-daemon"
          ? "illegal start-daemon parameter specified"
          : "illegal start_daemon specified",
      );
    }
    draft.daemon.role = met.value as SyncDaemonRole;
  }
  return name;
}

/** undefined also where the reader has a complaint: before a command it is not worth its own message. */
function firstOption(reader: OptionReader): MetOption | undefined {
  try {
    return reader.next();
  } catch {
    return undefined;
  }
}

/** The three values of `--set` are words of their own. @returns the words that are left */
function takeTimeouts(words: readonly string[], draft: Draft): readonly string[] {
  if (words.length < 3) throw new CommandLineError("--set option requires 3 timeout values");
  const [tcpSec, tcpFinSec, udpSec] = words.slice(0, 3).map((word) => timeoutSec(word, 0));
  Object.assign(draft.timeouts, { tcpSec, tcpFinSec, udpSec });
  return words.slice(3);
}

function build(name: CommandName, draft: Draft, schedulerFlags: number): IpvsadmCommand {
  const { given } = draft;
  switch (name) {
    case "add-service":
    case "edit-service":
      return { name, id: serviceId(draft), choice: serviceChoice(draft, schedulerFlags) };
    case "delete-service":
      return { name, id: serviceId(draft) };
    case "add-server":
    case "edit-server":
      return {
        name,
        id: serviceId(draft),
        server: realserver(draft),
        namesHeader: given.has("proxy-protocol"),
      };
    case "delete-server":
      return {
        name,
        id: serviceId(draft),
        server: { address: draft.server.address, port: draft.server.port },
      };
    case "list":
      return listing(draft);
    case "save":
      return { name, numeric: given.has("numeric") };
    case "restore":
      return { name, atomic: given.has("atomic") };
    case "zero":
      return { name, id: given.has("service-address") ? serviceId(draft) : undefined };
    case "start-daemon":
      return { name, daemon: { ...draft.daemon } };
    case "stop-daemon":
      return { name, role: draft.daemon.role };
    case "flush":
    case "help":
    case "version":
      return { name };
    case "set":
      return { name, timeouts: { ...draft.timeouts } };
  }
}

function listing(draft: Draft): IpvsadmCommand {
  const { given } = draft;
  checkListing(given);
  const numeric = given.has("numeric");
  if (given.has("connection")) {
    return { name: "list-connections", numeric, engines: given.has("persistent-conn") };
  }
  if (given.has("timeout")) return { name: "list-timeouts" };
  if (given.has("daemon")) return { name: "list-daemons" };
  return {
    name: "list-services",
    id: given.has("service-address") ? serviceId(draft) : undefined,
    choice: { format: listFormat(given), numeric, exact: given.has("exact"), sorted: !given.has("nosort") },
  };
}

/** If several are given the first of these wins. */
function listFormat(given: ReadonlySet<OptionName>): ListFormat {
  const formats = ["stats", "rate", "thresholds", "persistent-conn", "tun-info"] as const;
  return formats.find((format) => given.has(format)) ?? "plain";
}

function serviceId({ service }: Draft): ServiceId {
  if (service.fwmark !== 0) return { fwmark: service.fwmark, family: service.family };
  return { protocol: service.protocol ?? "tcp", address: service.address, port: service.port };
}

function serviceChoice({ service, given }: Draft, schedulerFlags: number): ServiceChoice {
  const onePacket = given.has("ops");
  if (service.fwmark === 0) {
    if (service.port === 0 && service.persistenceSec === undefined) {
      throw new CommandLineError("Zero port specified for non-persistent service");
    }
    if (onePacket && service.protocol !== "udp") {
      throw new CommandLineError("One-Packet Scheduling is only for UDP virtual services");
    }
  }
  return {
    scheduler: service.scheduler || DEFAULT_SCHEDULER,
    schedulerFlags,
    persistence:
      service.persistenceSec === undefined
        ? undefined
        : { timeoutSec: service.persistenceSec, netmask: service.netmask },
    onePacket,
    persistenceEngine: service.engine || undefined,
    ...(service.ports && { listenOn: endpointsAt(service, service.ports) }),
  };
}

/** The endpoints that `--ports` names. @throws CommandLineError where the service is none of all ports */
function endpointsAt({ protocol, address, port, fwmark }: Draft["service"], ports: number[]): Endpoint[] {
  if (protocol === "sctp" || port !== 0 || fwmark !== 0) {
    throw new CommandLineError("--ports is only for TCP and UDP services of all ports");
  }
  return [...new Set(ports)].map((one) => ({ address, port: one }));
}

function realserver({ service, server, given }: Draft): Realserver {
  const isTunnel = server.forwarding === "tunnel";
  if (server.family !== service.family && !isTunnel) {
    throw new CommandLineError("Different address family is allowed only for tunneling servers");
  }
  const hasTunnelOption = [...given].some((option) => option.startsWith("tun-"));
  if (hasTunnelOption && !isTunnel) {
    throw new CommandLineError("Tunnel options conflict with forward method");
  }
  if (isTunnel) checkTunnelLegality(server.tunnel.type, given);
  const { address, weight, forwarding, upperThreshold, lowerThreshold, proxyProtocol } = server;
  // Direct routing and tunnels cannot change the port: whatever was typed, it is the service's.
  const port = forwarding !== "masq" && service.fwmark === 0 ? service.port : server.port;
  return {
    ...{ address, port, weight, forwarding, upperThreshold, lowerThreshold },
    ...(hasTunnelOption && { tunnel: server.tunnel }),
    ...(proxyProtocol && { proxyProtocol }),
  };
}
