/** Connections and templates as entries of the kernel's connection table, for `ipvsadm -L -c`. */
import { type Family, formatIp } from "../core/address.js";
import type { ConnectionStatus, LiveConnection, TemplateStatus } from "../core/status.js";

/** Port 21: a persistent service there keeps control and data connections together (ip_vs_core.c). */
const FTP_PORT = 21;

/** What a template that matches nobody any longer is listed with (ip_vs_check_template). */
const INVALID_PORT = 65535;

/** A connection as ipvsadm lists it; one of the sorry server is not IPVS's. */
export function connectionEntry(connection: LiveConnection): ConnectionStatus[] {
  const { client, virtual, realserver, state, expiresSec } = connection;
  if (realserver === undefined) return [];
  // A mark may cover both.
  const protocol = state === "UDP" ? "udp" : "tcp";
  return [{ protocol, expiresSec, state, client, virtual, realserver }];
}

/** A template as ipvsadm lists it. */
export function templateEntry({
  service,
  client,
  realserver,
  state,
  valid,
  expiresSec,
}: TemplateStatus): ConnectionStatus {
  const isOfMark = "fwmark" in service;
  // What the kernel keeps templates by: an FTP service's and one of all ports have no port, a mark stands as an address.
  const port = isOfMark || service.port === FTP_PORT ? 0 : service.port;
  const address = isOfMark ? markAddress(service) : service.address;
  const entryPort = (own: number): number => (valid ? own : INVALID_PORT);
  return {
    protocol: isOfMark ? "ip" : service.protocol,
    expiresSec,
    state,
    client: { address: client, port: 0 },
    virtual: { address, port: entryPort(port) },
    realserver: { address: realserver.address, port: entryPort(port === 0 ? 0 : realserver.port) },
  };
}

function markAddress({ fwmark, family }: { fwmark: number; family: Family }): string {
  return formatIp(family, fwmark, 0, 0, 0);
}
