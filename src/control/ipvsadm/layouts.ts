/**
 * The formats of listings, column for column. A line is what a service or realserver is set to, which stays the same for long,
 * and then what is counted of it; the director keeps the first and writes the second anew for each listing.
 */
import { familyOf } from "../../core/address.js";
import type { Realserver, ServiceId, ServiceSettings } from "../../core/model.js";
import { formatPorts } from "../../core/port-list.js";
import type { FigureKind } from "../../core/status.js";
import type { ListFormat } from "./command.js";
import { type EndpointText, protocolOf, serverColumn, serviceArgument, serviceColumn } from "./labels.js";
import {
  FORWARDING_WORDS,
  settingsColumn,
  settingsOptions,
  tunnelColumn,
  tunnelOptions,
} from "./service-words.js";

/** Also the table as the commands that make it again: `-S`. */
export type ListingFormat = ListFormat | "save";

/** How what is counted is written. */
export interface NumberStyle {
  /** Numbers in full, though they shift the columns (`--exact`). */
  readonly exact: boolean;
  /** Headers that the kernel counts with each packet, in bytes. */
  readonly headerBytes: number;
}

/** Writes numbers: those of a row, from a place on. */
type WriteNumbers = (row: ArrayLike<number>, at: number, style: NumberStyle) => string;

/** One format. */
export interface Layout {
  /** The lines above the first service. */
  readonly title: string;
  /** What is counted. Rows of connections are active, inactive, persistent; of traffic as in TrafficTotals. */
  readonly counts?: FigureKind;
  service(id: ServiceId, settings: ServiceSettings, text: EndpointText): string;
  readonly serviceNumbers?: WriteNumbers;
  server(server: Realserver, id: ServiceId, text: EndpointText): string;
  readonly serverNumbers?: WriteNumbers;
}

const SERVICE_WIDTH = 33;

/** Without thresholds and time-outs, as in ipvsadm. */
const SAVE: Layout = {
  title: "",
  service: (id, settings, text) =>
    `-A ${serviceArgument(id, text)} ${settingsOptions(settings)}${portsOption(id, settings)}`,
  server: (server, id, text) => {
    const { option } = FORWARDING_WORDS[server.forwarding];
    const address = text(server, protocolOf(id));
    return `-a ${serviceArgument(id, text)} -r ${address} ${option} -w ${server.weight}${tunnelOptions(server)}`;
  },
};

/** Every format. Server columns follow a space of their own; the numbers of traffic bring theirs. */
export const LAYOUTS: Readonly<Record<ListingFormat, Layout>> = {
  plain: table(
    titleOf("Prot LocalAddress:Port Scheduler Flags", "           Forward Weight ActiveConn InActConn"),
    (server) => ` ${forwardColumn(server)} ${padded(server.weight, 6)}`,
    connections,
  ),
  thresholds: table(
    titleOf("Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn "),
    (server) => ` ${padded(server.upperThreshold, 10)} ${padded(server.lowerThreshold, 10)}`,
    connections,
  ),
  "persistent-conn": table(
    titleOf("Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn "),
    (server) => ` ${padded(server.weight, 9)}`,
    (row, at, style) => ` ${padded(row[at + 2], 11)}${connections(row, at, style)}`,
  ),
  "tun-info": table(
    titleOf(
      "Prot LocalAddress:Port Scheduler Flags",
      "           Forward TunnelInfo    Weight ActiveConn InActConn",
    ),
    (server) => ` ${forwardColumn(server)} ${tunnelColumn(server).padEnd(13)} ${padded(server.weight, 6)}`,
    connections,
  ),
  stats: traffic(
    "totals",
    titleOf("Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes"),
    trafficNumbers,
  ),
  rate: traffic(
    "rates",
    titleOf("Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS"),
    // ipvsadm shortens the first three of a service only.
    (row, at, { exact, headerBytes }) =>
      plainNumber(row[at]) +
      plainNumber(row[at + 1]) +
      plainNumber(row[at + 2]) +
      largeNumber(row[at + 3] + row[at + 1] * headerBytes, exact) +
      largeNumber(row[at + 4] + row[at + 2] * headerBytes, exact),
  ),
  save: SAVE,
};

/** IP and UDP header: the kernel counts them in the bytes of UDP (recording counters-udp), and TCP's are not seen here. */
export function headerBytesOf(id: ServiceId): number {
  if ("fwmark" in id || id.protocol !== "udp") return 0;
  return familyOf(id.address) === 6 ? 48 : 28;
}

/** The size is that of the kernel's default connection hash table. */
export const VERSION_LINE = "IP Virtual Server version 1.2.1 (size=4096)\n";

function titleOf(first: string, serverTitle = ""): string {
  return `${first}\n  -> RemoteAddress:Port${serverTitle}\n`;
}

function table(title: string, columns: (server: Realserver) => string, serverNumbers: WriteNumbers): Layout {
  return {
    title,
    counts: "connections",
    service: (id, settings, text) => `${serviceColumn(id, text)} ${settingsColumn(settings)}`,
    server: (server, id, text) => serverColumn(server, id, text) + columns(server),
    serverNumbers,
  };
}

function traffic(counts: FigureKind, title: string, serverNumbers: WriteNumbers): Layout {
  return {
    title,
    counts,
    service: (id, _, text) => serviceColumn(id, text).padEnd(SERVICE_WIDTH),
    serviceNumbers: trafficNumbers,
    server: serverColumn,
    serverNumbers,
  };
}

function forwardColumn({ forwarding }: Realserver): string {
  return FORWARDING_WORDS[forwarding].column.padEnd(7);
}

/** uvsadm's own: the ports that a service of all ports listens on. */
function portsOption(id: ServiceId, { listenOn }: ServiceSettings): string {
  if (listenOn === undefined || "fwmark" in id) return "";
  return ` --ports ${formatPorts(listenOn.map(({ port }) => port)).join(",")}`;
}

/** Left-aligned in its column; the last one is filled too. */
function padded(value: number, width: number): string {
  return String(value).padEnd(width);
}

function connections(row: ArrayLike<number>, at: number, _: NumberStyle): string {
  return ` ${padded(row[at], 10)} ${padded(row[at + 1], 10)}`;
}

function trafficNumbers(row: ArrayLike<number>, at: number, { exact, headerBytes }: NumberStyle): string {
  return (
    largeNumber(row[at], exact) +
    largeNumber(row[at + 1], exact) +
    largeNumber(row[at + 2], exact) +
    largeNumber(row[at + 3] + row[at + 1] * headerBytes, exact) +
    largeNumber(row[at + 4] + row[at + 2] * headerBytes, exact)
  );
}

function plainNumber(value: number): string {
  return ` ${String(value).padStart(8)}`;
}

/** From 100,000,000 on in thousands, millions, ...; in full with `--exact`. */
function largeNumber(value: number, exact: boolean): string {
  if (exact || value < 1e8) return plainNumber(value);
  const [divisor, unit] =
    value < 1e9 ? [1e3, "K"] : value < 1e11 ? [1e6, "M"] : value < 1e14 ? [1e9, "G"] : [1e12, "T"];
  return `${String(Math.floor(value / divisor)).padStart(8)}${unit}`;
}
