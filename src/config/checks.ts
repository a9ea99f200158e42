/**
 * What must hold between values of a file. These checks run even where single values were refused, so that one look
 * shows all errors; therefore anything they read may be missing, and they say nothing about what is.
 */
import { z } from "zod";
import { formatEndpoint, isUnicast } from "../core/address.js";
import { MAX_LISTEN_ON, type ServiceId, serviceKey } from "../core/model.js";
import { checkAddressing } from "./addressing-checks.js";
import { acceptProblem, sendProblem } from "./proxy-protocol.js";
import { expandRange } from "./realserver-range.js";
import { refusal } from "./refuse.js";
import type { FileEntry, RealserverEntry, ServiceEntry } from "./schema.js";
import { familyIn, identityOf, isList, membersOf } from "./service-identity.js";

/** An entry of which any value may have been refused. */
export type Unsure<T> = { readonly [K in keyof T]?: T[K] };

/** Such an entry with the identity that its keys come to. */
export type Identified = Omit<Unsure<ServiceEntry>, "listen"> & { readonly listen: ServiceId | undefined };

/** Reports an error at a place of the file. */
export type Report = (path: readonly (string | number)[], message: string) => void;

/** The checks as the schema takes them. */
export const fileChecks = z.superRefine<FileEntry>(
  (file, context) =>
    checkFile(file, (path, message) => context.addIssue({ code: "custom", path: [...path], message })),
  { when: ({ value }) => isMapping(value) },
);

function checkFile(file: Unsure<FileEntry>, report: Report): void {
  const services = entries<ServiceEntry>(file.services);
  const maxServices = file.limits?.services;
  if (maxServices !== undefined && services.length > maxServices) {
    report(["services"], tooMany(services.length, "services", maxServices));
  }
  const count = services.reduce((sum, [, service]) => sum + countRealservers(service), 0);
  const maxRealservers = file.limits?.realservers;
  if (maxRealservers !== undefined && count > maxRealservers) {
    report(["services"], tooMany(count, "realservers", maxRealservers));
  }
  // Ranges are expanded to compare their addresses: only where the bound keeps that small.
  const areFew = maxRealservers !== undefined && count <= maxRealservers;
  checkListens(
    services.map(([i, service]) => [i, identityOf(service)]),
    report,
  );
  for (const [i, entry] of services) {
    const reportInside: Report = (path, message) => report(["services", i, ...path], message);
    checkIdentity(entry, reportInside);
    const service: Identified = { ...entry, listen: identityOf(entry) };
    checkFlags(service, reportInside);
    checkThresholds(service, reportInside);
    checkSorry(service, reportInside);
    checkPersistence(service, reportInside);
    checkOnePacket(service, reportInside);
    checkTunnels(service, reportInside);
    checkProxyProtocol(service, reportInside);
    checkAddressing(service, file.dataplane, reportInside);
    if (file.forwarding === "strict") checkForwarding(service, reportInside);
    if (areFew) checkAddresses(service, reportInside);
  }
  if (file["persist-edits"] === true && file.state === undefined) {
    report(
      ["persist-edits"],
      "found true without state, accepted is it together with state: the directory to keep edits in",
    );
  }
}

function checkListens(services: readonly [number, ServiceId | undefined][], report: Report): void {
  const seen = new Map<string, number>();
  for (const [i, listen] of services) {
    if (listen === undefined) continue;
    const key = serviceKey(listen);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, i);
    else {
      report(
        ["services", i, "listen"],
        `duplicate service: found ${key}, which is services[${first}] already, accepted is each address and port once`,
      );
    }
  }
}

/** A mark names its members in a list, and a service of all ports its ports; nothing else has either. */
function checkIdentity(entry: Unsure<ServiceEntry>, report: Report): void {
  const { listen, mark, ports } = entry;
  const members = membersOf(entry);
  if (mark === undefined && listen !== undefined && isList(listen)) {
    report(
      ["listen"],
      "found a list, accepted is one address without mark: the list is the members of a mark",
    );
  }
  const udpMember = members.find((id) => "port" in id && id.protocol === "udp");
  if (mark !== undefined && entry["accept-proxy"] !== undefined && udpMember !== undefined) {
    report(
      ["accept-proxy"],
      `found it with the member ${serviceKey(udpMember)}, accepted are members of TCP with it`,
    );
  }
  if (mark !== undefined) {
    const isMember = (id: ServiceId): boolean => "port" in id && id.protocol !== "sctp" && id.port !== 0;
    if (!members.every((id) => isMember(id) && familyIn(id) === familyIn(members[0]))) {
      report(
        ["listen"],
        "accepted with mark are members tcp://ADDRESS:PORT and udp://ADDRESS:PORT with a port, all of one family",
      );
    }
  }
  const count = ports?.flat().length ?? 0;
  if (count === 0) return;
  const [own] = members;
  const isOfAllPorts = mark === undefined && own !== undefined && "port" in own && own.port === 0;
  if (own !== undefined && !isOfAllPorts) {
    report(["ports"], "accepted only for a service of all ports, such as tcp://10.0.0.1:0");
  } else if (count > MAX_LISTEN_ON) {
    report(["ports"], `found ${count} ports, accepted are at most ${MAX_LISTEN_ON}`);
  }
}

/** Flags named after a scheduler belong to it alone; ipvsadm calls others an incompatible scheduler flag. */
function checkFlags(service: Unsure<ServiceEntry>, report: Report): void {
  const { scheduler, "scheduler-flags": flags } = service;
  if (scheduler === undefined || !Array.isArray(flags)) return;
  flags.forEach((flag, i) => {
    if (flag === undefined || flag.startsWith("flag-") || flag.startsWith(`${scheduler}-`)) return;
    report(
      ["scheduler-flags", i],
      `found ${flag}, a flag of scheduler ${flag.slice(0, 2)}, while the scheduler is ${scheduler}; accepted are flags of the service's own scheduler, and flag-1, flag-2, flag-3`,
    );
  });
}

function checkThresholds(service: Unsure<ServiceEntry>, report: Report): void {
  for (const [i, realserver] of entries<RealserverEntry>(service.realservers)) {
    const { "upper-threshold": upper, "lower-threshold": lower } = realserver;
    if (upper === undefined || lower === undefined || lower <= upper) continue;
    report(
      ["realservers", i, "lower-threshold"],
      refusal(lower, `at most the upper-threshold, which is ${upper === 0 ? "not set" : upper}`),
    );
  }
}

function checkSorry({ listen, sorry }: Identified, report: Report): void {
  if (sorry === undefined || formatEndpoint(sorry) !== ownEndpoint(listen)) return;
  report(["sorry"], loop(formatEndpoint(sorry)));
}

function checkPersistence({ listen, persistence }: Identified, report: Report): void {
  const netmask = persistence?.netmask;
  if (listen === undefined || netmask === undefined) return;
  const family = familyIn(listen);
  if (family === (typeof netmask === "number" ? 6 : 4)) return;
  const accepted = family === 4 ? "a dotted netmask such as 255.255.255.0" : "a prefix length from 1 to 128";
  report(["persistence", "netmask"], refusal(netmask, `${accepted}: the service has IPv${family} addresses`));
}

function checkOnePacket(service: Identified, report: Report): void {
  const { listen, "one-packet": onePacket } = service;
  if (onePacket !== true || listen === undefined || "fwmark" in listen || listen.protocol === "udp") return;
  report(["one-packet"], refusal(true, `false for ${listen.protocol}: only UDP and firewall marks have it`));
}

function checkTunnels(service: Unsure<ServiceEntry>, report: Report): void {
  for (const [i, { forwarding, tunnel }] of entries<RealserverEntry>(service.realservers)) {
    if (tunnel === undefined || forwarding === undefined) continue;
    const reportTunnel = (message: string): void => report(["realservers", i, "tunnel"], message);
    const { type, port } = tunnel;
    if (forwarding !== "tunnel")
      reportTunnel(`found a mapping, accepted is nothing with forwarding ${forwarding}`);
    else if (type === "gue" && port === undefined)
      reportTunnel("found gue without port, accepted is gue with a port");
    else if (type !== "gue" && port !== undefined) {
      reportTunnel(`found ${type} with port ${port}, accepted is ${type} without a port`);
    }
  }
}

function checkProxyProtocol(service: Identified, report: Report): void {
  const { listen, sorry, "sorry-proxy-protocol": toSorry, "accept-proxy": accept } = service;
  const protocol = listen === undefined || "fwmark" in listen ? "tcp" : listen.protocol;
  const reportProblem = (path: readonly (string | number)[], problem: string | undefined): void => {
    if (problem !== undefined) report(path, problem);
  };
  for (const [i, server] of entries<RealserverEntry>(service.realservers)) {
    const problem = sendProblem(server["proxy-protocol"], protocol === "udp");
    reportProblem(["realservers", i, "proxy-protocol"], problem);
  }
  reportProblem(["sorry-proxy-protocol"], sendProblem({ version: toSorry }, protocol === "udp"));
  if (toSorry !== undefined && sorry === undefined)
    report(["sorry-proxy-protocol"], "found it without sorry, accepted is it together with sorry");
  if (accept === undefined) return;
  if (protocol !== "tcp")
    report(["accept-proxy"], `found it for ${protocol}, accepted is it for TCP and firewall marks`);
  reportProblem(["accept-proxy"], acceptProblem(accept));
}

function checkForwarding(service: Unsure<ServiceEntry>, report: Report): void {
  for (const [i, { forwarding }] of entries<RealserverEntry>(service.realservers)) {
    if (forwarding === undefined || forwarding === "masq") continue;
    report(
      ["realservers", i, "forwarding"],
      refusal(forwarding, "masq with forwarding: strict, because only the proxy carries connections"),
    );
  }
}

/** No realserver twice, none that is the service itself, none that no connection can go to. */
function checkAddresses({ listen, realservers }: Identified, report: Report): void {
  const own = ownEndpoint(listen);
  const defaultPort = listen !== undefined && "port" in listen ? listen.port : 0;
  const seen = new Map<string, number>();
  for (const [i, { address }] of entries<RealserverEntry>(realservers)) {
    // Without a port on either side the addresses still tell duplicates.
    const endpoints = address ? expandRange(address, defaultPort) : [];
    const unfit = endpoints.find((endpoint) => !isUnicast(endpoint.address));
    if (unfit !== undefined) {
      report(["realservers", i, "address"], refusal(unfit.address, "a unicast address"));
    }
    const keys = endpoints.map(formatEndpoint);
    if (own !== undefined && keys.includes(own)) report(["realservers", i, "address"], loop(own));
    const duplicate = keys.find((key) => seen.has(key));
    if (duplicate !== undefined) {
      report(
        ["realservers", i, "address"],
        `duplicate realserver: found ${duplicate}, which is in realservers[${seen.get(duplicate)}] already, accepted is each address and port once in a service`,
      );
    }
    for (const key of keys) if (!seen.has(key)) seen.set(key, i);
  }
}

/** Address and port of a service that has them. */
function ownEndpoint(listen: ServiceId | undefined): string | undefined {
  return listen === undefined || "fwmark" in listen ? undefined : formatEndpoint(listen);
}

function loop(endpoint: string): string {
  return `found ${endpoint}, what the service itself listens on: connections would go round in a circle; accepted is another address or port`;
}

function tooMany(count: number, what: string, limit: number): string {
  return `found ${count} ${what}, accepted are at most ${limit} (limits.${what})`;
}

function countRealservers(service: Unsure<ServiceEntry>): number {
  return entries<RealserverEntry>(service.realservers).reduce(
    (sum, [, { address }]) => sum + (address?.count ?? 1),
    0,
  );
}

/** The mappings of a list, with their indexes; none where it is no list. */
function entries<T>(list: unknown): [number, Unsure<T>][] {
  if (!Array.isArray(list)) return [];
  return [...list.entries()].filter(([, entry]) => isMapping(entry)) as [number, Unsure<T>][];
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
