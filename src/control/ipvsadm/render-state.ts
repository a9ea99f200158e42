/** The smaller listings: the connection table, time-outs, sync daemons. */
import type { ConnectionTimeouts, SyncDaemon } from "../../core/model.js";
import type { ConnectionStatus } from "../../core/status.js";
import type { EndpointText } from "./labels.js";

const CONNECTIONS_TITLE =
  "IPVS connection entries\npro expire state       source             virtual            destination";

/** `-L -c`; with engines (`--persistent-conn`) also what a persistence engine has found. */
export function renderConnections(
  connections: readonly ConnectionStatus[],
  engines: boolean,
  text: EndpointText,
): string {
  const title = engines ? `${CONNECTIONS_TITLE}        pe name          pe_data\n` : `${CONNECTIONS_TITLE}\n`;
  return title + connections.map((connection) => connectionRow(connection, engines, text)).join("");
}

function connectionRow(connection: ConnectionStatus, engines: boolean, text: EndpointText): string {
  const { engine } = connection;
  const protocol = connection.protocol === "ip" ? undefined : connection.protocol;
  const row = [
    connection.protocol.toUpperCase().padEnd(3),
    minutes(connection.expiresSec).padEnd(6),
    connection.state.padEnd(11),
    text(connection.client, protocol).padEnd(18),
    text(connection.virtual, protocol).padEnd(18),
  ].join(" ");
  const destination = text(connection.realserver, protocol);
  if (!engines || engine === undefined) return `${row} ${destination}\n`;
  return `${row} ${destination.padEnd(16)} ${engine.name.padEnd(18)} ${engine.data}\n`;
}

function minutes(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(Math.floor(seconds) % 60)}`;
}

/** `-L --timeout` */
export function renderTimeouts(timeouts: ConnectionTimeouts): string {
  return `Timeout (tcp tcpfin udp): ${timeouts.tcpSec} ${timeouts.tcpFinSec} ${timeouts.udpSec}\n`;
}

/** `-L --daemon`: nothing where none runs. */
export function renderDaemons(daemons: readonly SyncDaemon[]): string {
  return daemons
    .map(
      (daemon) =>
        `${daemon.role} sync daemon (mcast=${daemon.interface}, syncid=${daemon.syncId}, ` +
        `maxlen=${daemon.maxLength}, group=${daemon.group}, port=${daemon.port}, ttl=${daemon.ttl})\n`,
    )
    .join("");
}
