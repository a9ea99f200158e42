/** The listings of services, column for column: each format is a title, a row for a service and a row for a server. */
import { familyOf } from "../../core/address.js";
import type { ServiceId } from "../../core/model.js";
import type { RealserverStatus, ServiceStatus, TrafficTotals } from "../../core/status.js";
import type { ListChoice, ListFormat } from "./command.js";
import { type EndpointText, serverColumn, serviceColumn } from "./labels.js";
import { sortServers, sortServices } from "./order.js";
import { FORWARDING_WORDS, settingsColumn, tunnelColumn } from "./service-words.js";

/** First line of a listing of all services. The size is that of the kernel's default connection hash table. */
const VERSION_LINE = "IP Virtual Server version 1.2.1 (size=4096)\n";
const SERVICE_WIDTH = 33;

interface Layout {
  /** First line of the title; the second is the same for all but the two that name columns of servers. */
  readonly title: string;
  readonly serverTitle?: string;
  service(service: ServiceStatus, label: string, exact: boolean): string;
  server(server: RealserverStatus, exact: boolean, id: ServiceId): string;
}

const withSettings = (service: ServiceStatus, label: string): string =>
  `${label} ${settingsColumn(service.settings)}`;

const LAYOUTS: Readonly<Record<ListFormat, Layout>> = {
  plain: {
    title: "Prot LocalAddress:Port Scheduler Flags",
    serverTitle: "           Forward Weight ActiveConn InActConn",
    service: withSettings,
    server: (server) =>
      columns([FORWARDING_WORDS[server.forwarding].column, 7], [server.weight, 6], ...counts(server)),
  },
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
  thresholds: {
    title: "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ",
    service: withSettings,
    server: (server) => columns([server.upperThreshold, 10], [server.lowerThreshold, 10], ...counts(server)),
  },
  "persistent-conn": {
    title: "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ",
    service: withSettings,
    server: (server) => columns([server.weight, 9], [server.persistent, 11], ...counts(server)),
  },
  "tun-info": {
    title: "Prot LocalAddress:Port Scheduler Flags",
    serverTitle: "           Forward TunnelInfo    Weight ActiveConn InActConn",
    service: withSettings,
    server: (server) =>
      columns(
        [FORWARDING_WORDS[server.forwarding].column, 7],
        [tunnelColumn(server), 13],
        [server.weight, 6],
        ...counts(server),
      ),
  },
};

/** Formats whose server columns follow a space of their own; numbers of the others bring theirs. */
const SPACED: ReadonlySet<ListFormat> = new Set(["plain", "thresholds", "persistent-conn", "tun-info"]);

/** A listing of all services: `-L`. */
export function renderServices(
  services: readonly ServiceStatus[],
  choice: ListChoice,
  text: EndpointText,
): string {
  const rows = choice.sorted ? sortServices(services) : services;
  return VERSION_LINE + title(choice) + rows.map((service) => renderRows(service, choice, text)).join("");
}

/** A listing of one service: the same without the version. */
export function renderService(service: ServiceStatus, choice: ListChoice, text: EndpointText): string {
  return title(choice) + renderRows(service, choice, text);
}

function title({ format }: ListChoice): string {
  const layout = LAYOUTS[format];
  return `${layout.title}\n  -> RemoteAddress:Port${layout.serverTitle ?? ""}\n`;
}

function renderRows(service: ServiceStatus, choice: ListChoice, text: EndpointText): string {
  const layout = LAYOUTS[choice.format];
  const gap = SPACED.has(choice.format) ? " " : "";
  const servers = choice.sorted ? sortServers(service.realservers) : service.realservers;
  const rows = servers.map(
    (server) =>
      `${serverColumn(server, service.id, text)}${gap}${layout.server(server, choice.exact, service.id)}\n`,
  );
  return `${layout.service(service, serviceColumn(service.id, text), choice.exact)}\n${rows.join("")}`;
}

function counts(server: RealserverStatus): [number, number][] {
  return [
    [server.active, 10],
    [server.inactive, 10],
  ];
}

/** Values left-aligned in their widths, one space between them; the last one is filled too. */
function columns(...cells: [value: string | number, width: number][]): string {
  return cells.map(([value, width]) => String(value).padEnd(width)).join(" ");
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
