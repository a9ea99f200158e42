/** Reads ipvsadm's numeric listings back into what they were made of, so that a recorded listing can be rendered again. */

import type { ListFormat } from "../../src/control/ipvsadm/command.js";
import { type Endpoint, familyOf } from "../../src/core/address.js";
import {
  DEFAULT_SETTINGS,
  type ForwardingMethod,
  SCHEDULER_FLAG_BITS,
  type SchedulerFlag,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
} from "../../src/core/model.js";
import type {
  ConnectionStatus,
  RealserverStatus,
  ServiceStatus,
  TrafficTotals,
} from "../../src/core/status.js";

const UNITS: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const NO_DURATIONS = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
const FORWARDING: Readonly<Record<string, ForwardingMethod>> = {
  Masq: "masq",
  Route: "route",
  Tunnel: "tunnel",
};

/** Services and servers of a listing, in its order. @throws Error at a row that is none */
export function readListing(listing: string, format: ListFormat): ServiceStatus[] {
  const services: (ServiceStatus & { realservers: RealserverStatus[] })[] = [];
  for (const row of listing.split("\n").slice(0, -1)) {
    if (/^(IP Virtual|Prot | {2}-> Remote)/.test(row)) continue;
    if (row.startsWith("  -> "))
      services.at(-1)!.realservers.push(readServer(row, format, headerBytes(services.at(-1)!.id)));
    else services.push(readService(row, format));
  }
  return services;
}

/** Rows of the connection table. */
export function readConnections(listing: string): ConnectionStatus[] {
  const rows = listing.split("\n").slice(2, -1);
  return rows.map((row) => {
    const [protocol, expire, state, client, virtual, realserver] = row.split(/ +/);
    const [minutes, seconds] = expire.split(":").map(Number);
    return {
      protocol: protocol.toLowerCase() as ConnectionStatus["protocol"],
      expiresSec: minutes * 60 + seconds,
      state,
      client: endpoint(client),
      virtual: endpoint(virtual),
      realserver: endpoint(realserver),
    };
  });
}

function readService(row: string, format: ListFormat): ServiceStatus & { realservers: RealserverStatus[] } {
  const match = /^(?:(TCP|UDP|SCTP) +(\S+)|FWM {2}(-?\d+)( IPv6)?)(.*)$/.exec(row);
  if (match === null) throw new Error(`no service: ${row}`);
  const [, protocol, address, mark, isIpv6, rest] = match;
  const id: ServiceId =
    mark === undefined
      ? { protocol: protocol.toLowerCase() as "tcp", ...endpoint(address) }
      : { fwmark: Number(mark) >>> 0, family: isIpv6 ? 6 : 4 };
  const hasNumbers = format === "stats" || format === "rate";
  const numbers = traffic(hasNumbers ? rest : "0 0 0 0 0", headerBytes(id));
  return {
    id,
    key: serviceKey(id),
    settings: hasNumbers ? DEFAULT_SETTINGS : settings(rest.trim(), id),
    connections: 0,
    totals: numbers,
    rates: numbers,
    realservers: [],
    leaving: [],
  };
}

function readServer(row: string, format: ListFormat, header: number): RealserverStatus {
  const [, address, ...cells] = row.trim().split(/ +/);
  const numbers = cells.map(Number);
  const server = {
    ...endpoint(address),
    weight: 1,
    forwarding: "masq" as ForwardingMethod,
    upperThreshold: 0,
    lowerThreshold: 0,
    active: 0,
    inactive: 0,
    persistent: 0,
    overloaded: false,
    totals: traffic("0 0 0 0 0"),
    rates: traffic("0 0 0 0 0"),
    connectTime: NO_DURATIONS,
    sessionTime: NO_DURATIONS,
  };
  const [, , active, inactive] = numbers;
  switch (format) {
    case "stats":
    case "rate":
      return {
        ...server,
        totals: traffic(cells.join(" "), header),
        rates: traffic(cells.join(" "), header),
      };
    case "thresholds":
      return { ...server, upperThreshold: numbers[0], lowerThreshold: numbers[1], active, inactive };
    case "persistent-conn":
      return { ...server, weight: numbers[0], persistent: numbers[1], active, inactive };
    case "tun-info":
      return {
        ...server,
        forwarding: FORWARDING[cells[0]],
        weight: numbers[2],
        active: numbers[3],
        inactive: numbers[4],
      };
    case "plain":
      return { ...server, forwarding: FORWARDING[cells[0]], weight: numbers[1], active, inactive };
  }
}

function settings(text: string, id: ServiceId): ServiceSettings {
  const pattern = /^(\w+)(?: \(([\w,-]+)\))?(?: persistent (\d+)(?: mask (\S+))?(?: pe (\w+))?)?( ops)?$/;
  const match = pattern.exec(text);
  if (match === null) throw new Error(`no settings: ${text}`);
  const [, scheduler, flags, timeout, mask, persistenceEngine, ops] = match;
  const schedulerFlags = (flags?.split(",") ?? []).reduce(
    (bits, flag) => bits | SCHEDULER_FLAG_BITS[flag as SchedulerFlag],
    0,
  );
  const isIpv6 = "fwmark" in id ? id.family === 6 : familyOf(id.address) === 6;
  const netmask = isIpv6 ? Number(mask ?? 128) : (mask ?? "255.255.255.255");
  const persistence = timeout === undefined ? undefined : { timeoutSec: Number(timeout), netmask };
  return {
    ...DEFAULT_SETTINGS,
    scheduler,
    schedulerFlags,
    persistence,
    persistenceEngine,
    onePacket: ops !== undefined,
  };
}

/** What a listing counts of each datagram besides its payload; all recorded ones are IPv4. */
function headerBytes(id: ServiceId): number {
  return "protocol" in id && id.protocol === "udp" ? 28 : 0;
}

/** @param header bytes a packet that are not payload */
function traffic(cells: string, header = 0): TrafficTotals {
  const [connections, inPackets, outPackets, inBytes, outBytes] = cells.trim().split(/ +/).map(largeNumber);
  return {
    connections,
    inPackets,
    outPackets,
    inBytes: inBytes - inPackets * header,
    outBytes: outBytes - outPackets * header,
  };
}

function largeNumber(text: string): number {
  const unit = UNITS[text.at(-1) ?? ""];
  return unit === undefined ? Number(text) : Number(text.slice(0, -1)) * unit;
}

function endpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon).replace(/[[\]]/g, ""), port: Number(text.slice(colon + 1)) };
}
