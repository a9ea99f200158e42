/** Turns the planes' rows into connections with names: slots mean something only here. */
import { keepsClientPort } from "../balancer/persistence-settings.js";
import type { ServiceEntry, ServiceTable } from "../balancer/service-table.js";
import { formatIp } from "../core/address.js";
import type { LiveConnection } from "../core/status.js";
import { CONNECTION_WORDS, ConnectionField } from "../dataplane/connection-rows.js";

/** By ConnectionState. */
const STATE_NAMES = ["SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT", "PROXY_HEADER", "UDP"] as const;

/** The port that the realserver is connected to: its own, unless it is the client's. */
function connectedPort({ id, settings }: ServiceEntry, own: number, clients: number): number {
  const keepsClients = own === 0 || (settings.persistence !== undefined && keepsClientPort(id));
  return keepsClients ? clients : own;
}

/** The connections of some rows; one whose service's slot is free again is left out. */
export function readConnections(
  rows: Float64Array,
  table: ServiceTable,
  generation: number,
): LiveConnection[] {
  const connections: LiveConnection[] = [];
  for (let at = 0; at < rows.length; at += CONNECTION_WORDS) {
    const field = (name: keyof typeof ConnectionField): number => rows[at + ConnectionField[name]];
    const endpoint = (words: "client" | "destination", port: "clientPort" | "destinationPort") => {
      const first = at + ConnectionField[words];
      const [w0, w1, w2, w3] = rows.subarray(first, first + 4);
      return { address: formatIp(field("family"), w0, w1, w2, w3), port: field(port) };
    };
    const service = table.serviceAt(field("service"));
    const server = field("server") < 0 ? undefined : table.serverAt(field("server"));
    if (service === undefined) continue;
    connections.push({
      service: service.id,
      client: endpoint("client", "clientPort"),
      virtual: endpoint("destination", "destinationPort"),
      realserver: server && {
        address: server.settings.address,
        port: connectedPort(service, server.settings.port, field("destinationPort")),
      },
      state: STATE_NAMES[field("state")],
      ageSec: field("ageMs") / 1000,
      expiresSec: Math.max(0, field("expiresMs") / 1000),
      inBytes: field("inBytes"),
      outBytes: field("outBytes"),
      generation,
    });
  }
  return connections;
}
