/** What the doctor finds about the services: addresses, listening sockets, sources, and the way back from realservers. */
import { type Endpoint, familyOf, formatEndpoint } from "../../core/address.js";
import type { Finding } from "../../core/doctor.js";
import type { VirtualService } from "../../core/model.js";
import { PROBE_SOURCE, type ProbeResult } from "../../dataplane/native/return-probe.js";
import type { Route } from "./host.js";

/** Any address: listened on, or intercepted. */
const ANY: readonly string[] = ["0.0.0.0", "::"];
/** Realservers that are probed, of all services together. */
export const MAX_PROBED = 64;

/** The addresses that clients of these services address, each once. */
export function vipsOf(services: readonly VirtualService[]): string[] {
  const addresses = services.flatMap(({ id, settings }) => [
    ...("address" in id ? [id.address] : []),
    ...(settings.listenOn ?? []).map(({ address }) => address),
  ]);
  return [...new Set(addresses)].filter((address) => !ANY.includes(address));
}

/** The realservers of transparent services, each once, by address and port; without a port none can be probed. */
export function transparentRealservers(services: readonly VirtualService[]): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const { id, settings, realservers } of services) {
    if (!settings.transparent) continue;
    for (const { address, port } of realservers) {
      const endpoint = { address, port: port || ("port" in id ? id.port : 0) };
      found.set(formatEndpoint(endpoint), endpoint);
    }
  }
  return [...found.values()];
}

/** The addresses that services list in `source`, each once. */
export function sourcesOf(services: readonly VirtualService[]): string[] {
  return [...new Set(services.flatMap(({ settings }) => settings.source ?? []))];
}

/** A VIP that is not on this host. */
export function vipFinding(address: string, route: Route | undefined): Finding {
  const subject = `vip ${address}`;
  if (route?.isLocal) return { state: "ok", subject, found: "an address of this host" };
  return {
    state: "warn",
    subject,
    found: "no address of this host: its clients do not come here",
    advice: `nothing on a backup, which takes it over; else: ip addr add ${address}/${familyOf(address) === 4 ? 32 : 128} dev lo, or on the device where clients are`,
  };
}

/** An address in `source`. */
export function sourceFinding(address: string, route: Route | undefined): Finding {
  const subject = `source ${address}`;
  if (route?.isLocal) return { state: "ok", subject, found: "an address of this host" };
  return {
    state: "fail",
    subject,
    found: "no address of this host: connections cannot come from it, and it is passed over",
    advice: `ip addr add ${address}/${familyOf(address) === 4 ? 32 : 128} dev the device that leads to the realservers`,
  };
}

/** Whether sockets are open for what should be listened on. @param missing their keys */
export function listeningFinding(open: number, missing: readonly string[]): Finding {
  const subject = "listening";
  if (missing.length === 0)
    return { state: "ok", subject, found: `at ${open} ${open === 1 ? "address" : "addresses"}` };
  return {
    state: "fail",
    subject,
    found: `not at ${missing.join(", ")}`,
    advice: "look for the reason in the log, then: uvs reload",
  };
}

/** The way of a realserver's answers to clients far away. @param probe undefined: it was not tried */
export function returnFinding(
  server: Endpoint,
  route: Route | undefined,
  probe: ProbeResult | undefined,
): Finding {
  const subject = `realserver ${formatEndpoint(server)}`;
  if (route?.isLocal) {
    return {
      state: "note",
      subject,
      found: "on this host itself: only clients whose answers stay on this host can be served transparently",
    };
  }
  const where = route === undefined ? "no route to it is known" : wayTo(route);
  if (probe === undefined) return { state: "note", subject, found: `${where}; not probed` };
  const source = PROBE_SOURCE[familyOf(server.address)];
  if (probe === "answered") {
    return { state: "ok", subject, found: `${where}; its answers to other networks come back here` };
  }
  if (probe !== "silent") {
    return {
      state: "fail",
      subject,
      found: `${where}; a connection from ${source} cannot be tried: ${probe}`,
    };
  }
  return {
    state: "fail",
    subject,
    found: `${where}; no answer to a connection from ${source}`,
    advice:
      route?.gateway === undefined
        ? "make this host its default route (ip route replace default via an address of this host), and see that no firewall or rp_filter there drops such clients"
        : `its answers must pass this host: make it the default route on every hop to ${route.gateway}`,
  };
}

function wayTo({ device, gateway }: Route): string {
  return gateway === undefined ? `on the network of ${device}` : `behind ${gateway} at ${device}`;
}
