/** Listings out of the status of services: of one service, or with names. The others are the director's (GET /v1/listing). */
import type { FigureKind, RealserverStatus, ServiceStatus, TrafficTotals } from "../../core/status.js";
import type { ListChoice } from "./command.js";
import type { EndpointText } from "./labels.js";
import { headerBytesOf, LAYOUTS, type ListingFormat, VERSION_LINE } from "./layouts.js";
import { sortServers, sortServices } from "./order.js";

/** A listing of all services in any format: `-L`. */
export function renderServices(
  services: readonly ServiceStatus[],
  choice: ListChoice,
  text: EndpointText,
): string {
  return VERSION_LINE + renderRows(services, choice, text);
}

/** A listing of one service: the same without the version. */
export function renderService(service: ServiceStatus, choice: ListChoice, text: EndpointText): string {
  return renderRows([service], choice, text);
}

/** The table as the commands that make it again, sorted as listings are: `-S`. */
export function renderSave(services: readonly ServiceStatus[], text: EndpointText): string {
  return renderRows(services, { format: "save", sorted: true, exact: false }, text);
}

function renderRows(
  services: readonly ServiceStatus[],
  { format, sorted, exact }: { format: ListingFormat; sorted: boolean; exact: boolean },
  text: EndpointText,
): string {
  const layout = LAYOUTS[format];
  const lines = [layout.title];
  for (const service of sorted ? sortServices(services) : services) {
    const { id, settings, realservers } = service;
    const style = { exact, headerBytes: headerBytesOf(id) };
    const traffic = layout.counts === "rates" ? service.rates : service.totals;
    const numbers = layout.serviceNumbers?.(trafficRow(traffic), 0, style) ?? "";
    lines.push(`${layout.service(id, settings, text)}${numbers}\n`);
    for (const server of sorted ? sortServers(realservers) : realservers) {
      const counted = layout.serverNumbers?.(serverRow(server, layout.counts), 0, style) ?? "";
      lines.push(`${layout.server(server, id, text)}${counted}\n`);
    }
  }
  return lines.join("");
}

/** What is counted, as the rows of layouts.ts. */
function serverRow(server: RealserverStatus, counts: FigureKind | undefined): readonly number[] {
  if (counts === "totals" || counts === "rates") return trafficRow(server[counts]);
  return [server.active, server.inactive, server.persistent];
}

function trafficRow({ connections, inPackets, outPackets, inBytes, outBytes }: TrafficTotals): number[] {
  return [connections, inPackets, outPackets, inBytes, outBytes];
}
