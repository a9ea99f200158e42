/** The table as the commands that make it again: `-S`. Thresholds and time-outs are not in it, as in ipvsadm. */
import { formatPorts } from "../../core/port-list.js";
import type { ServiceCounts } from "../../core/status.js";
import { type EndpointText, protocolOf, serviceArgument } from "./labels.js";
import { sortServers, sortServices } from "./order.js";
import { FORWARDING_WORDS, settingsOptions, tunnelOptions } from "./service-words.js";

/** One line for each service and server, sorted as listings are. */
export function renderSave(services: readonly ServiceCounts[], text: EndpointText): string {
  return sortServices(services)
    .map((service) => saveService(service, text))
    .join("");
}

function saveService(service: ServiceCounts, text: EndpointText): string {
  const argument = serviceArgument(service.id, text);
  const servers = sortServers(service.realservers).map((server) => {
    const { option } = FORWARDING_WORDS[server.forwarding];
    const address = text(server, protocolOf(service.id));
    return `-a ${argument} -r ${address} ${option} -w ${server.weight}${tunnelOptions(server)}\n`;
  });
  return `-A ${argument} ${settingsOptions(service.settings)}${portsOption(service)}\n${servers.join("")}`;
}

/** uvsadm's own: the ports that a service of all ports listens on. */
function portsOption({ id, settings }: ServiceCounts): string {
  if (settings.listenOn === undefined || "fwmark" in id) return "";
  return ` --ports ${formatPorts(settings.listenOn.map(({ port }) => port)).join(",")}`;
}
