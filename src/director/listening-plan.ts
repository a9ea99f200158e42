/**
 * Which service takes the connections of which listening socket, as the kernel looks services up (`ip_vs_service_find`):
 * by mark first, then by exact address and port, then the service of all ports of that address. Pure: computed from all
 * services whenever one is added, changed or deleted; the difference to what is open is what has to be done.
 */
import { type Endpoint, type Family, familyOf, formatEndpoint } from "../core/address.js";
import { type ListenEndpoint, type ServiceId, serviceKey, type VirtualService } from "../core/model.js";

/** What sockets carry. */
export type Transport = "tcp" | "udp";

/** What is diverted: all with the mark, what goes to the address but for some ports, or what passes through. */
export type DivertedTraffic =
  | { readonly transport: Transport; readonly family: Family; readonly mark: number }
  | { readonly transport: Transport; readonly address: string; readonly exceptPorts: readonly number[] }
  | PassingTraffic;

/** Connections that are addressed to other hosts. */
export interface PassingTraffic {
  readonly transport: "tcp";
  readonly family: Family;
  /** 0: any. */
  readonly port: number;
  /** Whose connections pass on: those of the realservers, which fetch from where the clients meant to. */
  readonly exceptFrom: readonly string[];
}

const TRANSPORTS = ["tcp", "udp"] as const;

/** A socket that should be open. */
export interface PlannedListener {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  /** Who takes its connections. */
  readonly serviceId: ServiceId;
}

/** What the director should listen on. */
export interface ListeningPlan {
  /** By `listenerKey`. */
  readonly listeners: ReadonlyMap<string, PlannedListener>;
  /** Services whose connections the kernel has to divert, for want of an address and port of their own. */
  readonly diversions: readonly PlannedDiversion[];
  /** Families in which there are transparent services: answers to clients' addresses have to be brought back. */
  readonly returns: readonly Family[];
  /** Addresses of the listeners, in order, without those that stand for any. */
  readonly addresses: readonly string[];
}

/** A service whose connections are diverted to a socket of its own. */
export interface PlannedDiversion {
  readonly serviceId: ServiceId;
  readonly traffic: DivertedTraffic;
}

/** Puts the plan together. */
export function planListening(services: readonly VirtualService[]): ListeningPlan {
  const listeners = new Map<string, PlannedListener>();
  for (const rank of [isOfAllPorts, isOfOnePort, isOfMark]) {
    for (const { id, settings } of services) {
      if (!rank(id) || settings.intercept !== undefined) continue;
      const endpoints: readonly ListenEndpoint[] =
        settings.listenOn ?? (isOfOnePort(id) ? [endpointOf(id)] : []);
      for (const { address, port, transport = transportOf(id) } of endpoints) {
        const endpoint = { address, port };
        listeners.set(listenerKey(transport, endpoint), { transport, endpoint, serviceId: id });
      }
    }
  }
  const transparent = services.filter(({ settings }) => settings.transparent);
  const returns = ([4, 6] as const).filter((family) => transparent.some(({ id }) => familyIn(id) === family));
  const diversions = [...planDiversions(services), ...planInterception(services)];
  return { listeners, diversions, returns, addresses: addressesOf(listeners) };
}

function addressesOf(listeners: ReadonlyMap<string, PlannedListener>): string[] {
  const all = new Set([...listeners.values()].map(({ endpoint }) => endpoint.address));
  return [...all].filter((address) => address !== "0.0.0.0" && address !== "::").sort();
}

/** Names a socket: `192.0.2.1:80`, of UDP `udp://192.0.2.1:53`. */
export function listenerKey(transport: Transport, endpoint: Endpoint): string {
  return transport === "udp" ? `udp://${formatEndpoint(endpoint)}` : formatEndpoint(endpoint);
}

/** The family of diverted connections. */
export function familyOfTraffic(traffic: DivertedTraffic): Family {
  return "address" in traffic ? familyOf(traffic.address) : traffic.family;
}

function planDiversions(services: readonly VirtualService[]): PlannedDiversion[] {
  const addressed = services.filter(({ settings }) => settings.intercept === undefined);
  const diverted = addressed.filter(({ settings }) => settings.listenOn === undefined).map(({ id }) => id);
  const exact = addressed.map(({ id }) => id).filter(isOfOnePort);
  return [
    ...diverted.filter(isOfMark).flatMap((serviceId) =>
      TRANSPORTS.map((transport) => ({
        serviceId,
        traffic: { transport, family: serviceId.family, mark: serviceId.fwmark },
      })),
    ),
    ...diverted.filter(isOfAllPorts).map((serviceId) => {
      const { address, protocol } = serviceId;
      const others = exact.filter((other) => other.address === address && other.protocol === protocol);
      const exceptPorts = others.map(({ port }) => port);
      return { serviceId, traffic: { transport: transportOf(serviceId), address, exceptPorts } };
    }),
  ].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey({ serviceId, traffic }: PlannedDiversion): string {
  return `${serviceKey(serviceId)} ${traffic.transport}`;
}

/** What a service's own sockets carry; members of a mark that do not say are TCP. */
function transportOf(id: ServiceId): Transport {
  return !isOfMark(id) && id.protocol === "udp" ? "udp" : "tcp";
}

/** What nobody else takes: those of one port first, then those of all. */
function planInterception(services: readonly VirtualService[]): PlannedDiversion[] {
  const planned = services.flatMap(({ id, settings, realservers }) => {
    if (settings.intercept === undefined || isOfMark(id)) return [];
    const family = familyOf(id.address);
    const exceptFrom = realservers.map(({ address }) => address).filter((rip) => familyOf(rip) === family);
    const traffic = {
      transport: "tcp" as const,
      family,
      port: id.port,
      exceptFrom: [...new Set(exceptFrom)].sort(),
    };
    return [{ serviceId: id, traffic }];
  });
  return planned.sort((a, b) => b.traffic.port - a.traffic.port || a.traffic.family - b.traffic.family);
}

function familyIn(id: ServiceId): Family {
  return isOfMark(id) ? id.family : familyOf(id.address);
}

type AddressId = Extract<ServiceId, { address: string }>;
type MarkId = Extract<ServiceId, { fwmark: number }>;

function isOfMark(id: ServiceId): id is MarkId {
  return "fwmark" in id;
}

function isOfOnePort(id: ServiceId): id is AddressId {
  return !isOfMark(id) && id.protocol !== "sctp" && id.port !== 0;
}

function isOfAllPorts(id: ServiceId): id is AddressId {
  return !isOfMark(id) && id.protocol !== "sctp" && id.port === 0;
}

function endpointOf({ address, port }: AddressId): Endpoint {
  return { address, port };
}
