/** The listings of services, column for column: each format is a title, a row for a service and a row for a server. */
import { type Endpoint, familyOf } from "../../core/address.js";
import type { ServiceId } from "../../core/model.js";
import type {
  RealserverCounts,
  RealserverStatus,
  ServiceCounts,
  ServiceStatus,
  TrafficTotals,
} from "../../core/status.js";
import type { FormatChoice, ListChoice, TableFormat, TrafficFormat } from "./command.js";
import { type EndpointText, serverColumn, serviceColumn } from "./labels.js";
import { sortServers, sortServices } from "./order.js";
import { FORWARDING_WORDS, settingsColumn, tunnelColumn } from "./service-words.js";

interface Listed<Server> {
  readonly id: ServiceId;
  readonly realservers: readonly Server[];
}

/** First line of a listing of all services. The size is that of the kernel's default connection hash table. */
const VERSION_LINE = "IP Virtual Server version 1.2.1 (size=4096)\n";
const SERVICE_WIDTH = 33;

interface Layout<Service, Server> {
  /** First line of the title; the second is the same for all but the two that name columns of servers. */
  readonly title: string;
  readonly serverTitle?: string;
  service(service: Service, label: string, exact: boolean): string;
  server(server: Server, exact: boolean, id: ServiceId): string;
}

const withSettings = (service: ServiceCounts, label: string): string =>
  `${label} ${settingsColumn(service.settings)}`;

const TRAFFIC: Readonly<Record<TrafficFormat, Layout<ServiceStatus, RealserverStatus>>> = {
  stats: {
    title: "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes",
    service: (service, label, exact) =>
      label.padEnd(SERVICE_WIDTH) + traffic(asPackets(service.totals, service.id), exact),
    server: (server, exact, id) => traffic(asPackets(server.totals, id), exact),
  },
  rate: {
    title: "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS",
    service: (service, label, exact) =>
      label.padEnd(SERVICE_WIDTH) + traffic(asPackets(service.rates, service.id), exact),
    server: (server, exact, id) => {
      const rates = asPackets(server.rates, id);
      return (
        [rates.connections, rates.inPackets, rates.outPackets].map(plainNumber).join("") +
        largeNumber(rates.inBytes, exact) +
        largeNumber(rates.outBytes, exact)
      );
    },
  },
};

/** Server columns follow a space of their own; the numbers of traffic bring theirs. */
const TABLE: Readonly<Record<TableFormat, Layout<ServiceCounts, RealserverCounts>>> = {
  plain: {
    title: "Prot LocalAddress:Port Scheduler Flags",
    serverTitle: "           Forward Weight ActiveConn InActConn",
    service: withSettings,
    server: (server) =>
      ` ${FORWARDING_WORDS[server.forwarding].column.padEnd(7)} ${padded(server.weight, 6)} ${connections(server)}`,
  },
  thresholds: {
    title: "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ",
    service: withSettings,
    server: (server) =>
      ` ${padded(server.upperThreshold, 10)} ${padded(server.lowerThreshold, 10)} ${connections(server)}`,
  },
  "persistent-conn": {
    title: "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ",
    service: withSettings,
    server: (server) =>
      ` ${padded(server.weight, 9)} ${padded(server.persistent, 11)} ${connections(server)}`,
  },
  "tun-info": {
    title: "Prot LocalAddress:Port Scheduler Flags",
    serverTitle: "           Forward TunnelInfo    Weight ActiveConn InActConn",
    service: withSettings,
    server: (server) =>
      ` ${FORWARDING_WORDS[server.forwarding].column.padEnd(7)} ${tunnelColumn(server).padEnd(13)} ` +
      `${padded(server.weight, 6)} ${connections(server)}`,
  },
};

/** Whether a listing shows what traffic has counted. */
export function showsTraffic(choice: ListChoice): choice is FormatChoice<TrafficFormat> {
  return choice.format in TRAFFIC;
}

/** A listing of all services without their traffic: `-L`. */
export function renderTable(
  services: readonly ServiceCounts[],
  choice: FormatChoice<TableFormat>,
  text: EndpointText,
): string {
  const layout = TABLE[choice.format];
  return VERSION_LINE + titleOf(layout) + renderRows(services, layout, choice, text);
}

/** A listing of all services in any format: `-L`. */
export function renderServices(
  services: readonly ServiceStatus[],
  choice: ListChoice,
  text: EndpointText,
): string {
  return VERSION_LINE + renderSome(services, choice, text);
}

/** A listing of one service: the same without the version. */
export function renderService(service: ServiceStatus, choice: ListChoice, text: EndpointText): string {
  return renderSome([service], choice, text);
}

function renderSome(services: readonly ServiceStatus[], choice: ListChoice, text: EndpointText): string {
  const layout = showsTraffic(choice) ? TRAFFIC[choice.format] : TABLE[choice.format];
  return titleOf(layout) + renderRows(services, layout, choice, text);
}

function titleOf({ title, serverTitle = "" }: { title: string; serverTitle?: string }): string {
  return `${title}\n  -> RemoteAddress:Port${serverTitle}\n`;
}

function renderRows<Server extends Endpoint, Service extends Listed<Server>>(
  services: readonly Service[],
  layout: Layout<Service, Server>,
  { sorted, exact }: ListChoice,
  text: EndpointText,
): string {
  const rows: string[] = [];
  for (const service of sorted ? sortServices(services) : services) {
    rows.push(`${layout.service(service, serviceColumn(service.id, text), exact)}\n`);
    for (const server of sorted ? sortServers(service.realservers) : service.realservers) {
      rows.push(`${serverColumn(server, service.id, text)}${layout.server(server, exact, service.id)}\n`);
    }
  }
  return rows.join("");
}

/** Left-aligned in its column; the last one is filled too. */
function padded(value: number, width: number): string {
  return String(value).padEnd(width);
}

function connections({ active, inactive }: RealserverCounts): string {
  return `${padded(active, 10)} ${padded(inactive, 10)}`;
}

function traffic(totals: TrafficTotals, exact: boolean): string {
  const { connections, inPackets, outPackets, inBytes, outBytes } = totals;
  return [connections, inPackets, outPackets, inBytes, outBytes]
    .map((value) => largeNumber(value, exact))
    .join("");
}

/** IP and UDP header. */
const UDP_HEADER_BYTES = { ipv4: 28, ipv6: 48 };

/** Bytes of UDP as the kernel counts them, with the headers of each datagram (recording counters-udp). */
function asPackets(totals: TrafficTotals, id: ServiceId): TrafficTotals {
  if ("fwmark" in id || id.protocol !== "udp") return totals;
  const header = UDP_HEADER_BYTES[familyOf(id.address) === 6 ? "ipv6" : "ipv4"];
  return {
    ...totals,
    inBytes: totals.inBytes + totals.inPackets * header,
    outBytes: totals.outBytes + totals.outPackets * header,
  };
}

function plainNumber(value: number): string {
  return ` ${String(value).padStart(8)}`;
}

/** From 100,000,000 on in thousands, millions, ...; in full with `--exact`, though it shifts the columns. */
function largeNumber(value: number, exact: boolean): string {
  if (exact || value < 1e8) return plainNumber(value);
  const [divisor, unit] =
    value < 1e9 ? [1e3, "K"] : value < 1e11 ? [1e6, "M"] : value < 1e14 ? [1e9, "G"] : [1e12, "T"];
  return `${String(Math.floor(value / divisor)).padStart(8)}${unit}`;
}
