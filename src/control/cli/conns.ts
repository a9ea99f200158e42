/** `uvs conns`: the connections that are being carried. */
import { formatEndpoint } from "../../core/address.js";
import { serviceKey } from "../../core/model.js";
import type { LiveConnection } from "../../core/status.js";
import { type Command, ExitCode } from "./command.js";
import { renderTable } from "./table.js";
import { FILTER_HELP, FILTER_OPTIONS, parseFilter } from "./targets.js";
import { formatAge, formatBytes } from "./units.js";

const HEAD = ["Service", "Client", "Realserver", "State", "Age", "Expires", "In", "Out", "Forwarder"];
const RIGHT = new Set([4, 5, 6, 7, 8]);

export const connsCommand: Command = {
  name: "conns",
  summary: "lists the connections that are being carried",
  usage: "conns [--service SERVICE [--realserver REALSERVER]] [--client ADDRESS] [--json]",
  description: `Lists connections with their state, age, time until they are ended if nothing happens, bytes
from (In) and to (Out) the client, and the forwarder generation that carries them. Filters
that are given together all hold. States: SYN_RECV is being connected, CLOSE_WAIT: the
client has finished, FIN_WAIT: the realserver has, PROXY_HEADER: a trusted proxy has not
sent its PROXY protocol header yet, UDP: a flow of datagrams.

${FILTER_HELP}
  --json                    the same as JSON, as GET /v1/connections answers it`,
  example: "uvs conns --service 10.0.0.1:80 --realserver 10.0.0.2:80",
  options: { ...FILTER_OPTIONS, json: { type: "boolean" } },
  positionals: [0, 0],
  async run({ operations, print }, args) {
    const connections = await operations.liveConnections(parseFilter(args));
    if (args.options["json"]) print(JSON.stringify({ connections }, null, 2));
    else print(connections.length === 0 ? "no connections" : renderConnections(connections));
    return ExitCode.OK;
  },
};

function renderConnections(connections: readonly LiveConnection[]): string {
  const rows = connections.map((connection) => [
    serviceKey(connection.service),
    formatEndpoint(connection.client),
    realserverText(connection),
    connection.state,
    formatAge(connection.ageSec * 1000),
    formatAge(connection.expiresSec * 1000),
    formatBytes(connection.inBytes),
    formatBytes(connection.outBytes),
    `${connection.generation}`,
  ]);
  return renderTable([HEAD, ...rows], RIGHT);
}

function realserverText({ realserver, state }: LiveConnection): string {
  if (realserver !== undefined) return formatEndpoint(realserver);
  return state === "PROXY_HEADER" ? "-" : "sorry server";
}
