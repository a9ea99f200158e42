/** What the record of services refuses of the addresses that connections have on either side. */
import { canonicalIp, type Family, familyOf, isUnicast } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import {
  MAX_SOURCES,
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
} from "../core/model.js";

/** The addresses of services that intercept: any. */
const ANY: readonly string[] = ["0.0.0.0", "::"];

/**
 * Checks transparent, source and intercept of one service.
 * @param canBeTransparent whether the data plane can bind a client's address
 * @throws UvsError INVALID, UNSUPPORTED
 */
export function checkAddressing(id: ServiceId, settings: ServiceSettings, canBeTransparent: boolean): void {
  const { transparent, source, intercept } = settings;
  if (transparent) checkTransparent(id, settings, canBeTransparent);
  if (source !== undefined) checkSource(source);
  if (intercept !== undefined) checkIntercept(id, settings);
}

/** A transparent service's realservers speak with its clients' addresses. @throws UvsError INVALID */
export function checkServerFamily(id: ServiceId, { transparent }: ServiceSettings, server: Realserver): void {
  if (!transparent || familyOf(server.address) === familyIn(id)) return;
  throw invalid(
    "realserver address",
    server.address,
    `an IPv${familyIn(id)} address: ${serviceKey(id)} is transparent, and its clients have such addresses`,
  );
}

function checkTransparent(id: ServiceId, { source }: ServiceSettings, canBeTransparent: boolean): void {
  if (!canBeTransparent) {
    throw new UvsError(
      "UNSUPPORTED",
      "transparent: found true, accepted is false with the data plane net, which cannot bind a client's address; the native one needs Linux and the package koffi",
    );
  }
  if (!("fwmark" in id) && id.protocol === "sctp") {
    throw invalid("transparent", "true", `false for ${serviceKey(id)}: only TCP and UDP have it`);
  }
  if (source !== undefined) {
    throw invalid(
      "source",
      "it with transparent",
      "one of the two: addresses of the director, or the client's",
    );
  }
}

function checkSource(source: readonly string[]): void {
  if (source.length < 1 || source.length > MAX_SOURCES) {
    throw invalid("source", `${source.length} addresses`, `1 to ${MAX_SOURCES}`);
  }
  if (new Set(source).size < source.length) throw invalid("source", "an address twice", "each once");
  for (const address of source) {
    if (canonicalIp(address) === address && isUnicast(address)) continue;
    throw invalid("source", `"${address}"`, "a unicast IPv4 or IPv6 address in its canonical form");
  }
}

function checkIntercept(id: ServiceId, { intercept, listenOn, sorry }: ServiceSettings): void {
  if ("fwmark" in id || id.protocol !== "tcp" || !ANY.includes(id.address)) {
    throw invalid("intercept", `it for ${serviceKey(id)}`, "it for TCP at 0.0.0.0 or ::");
  }
  if (listenOn !== undefined) throw invalid("listenOn", "it with intercept", "one of the two");
  if (intercept?.bypass && sorry !== undefined) {
    throw invalid(
      "sorry",
      "it with intercept.bypass",
      "one of the two: clients go there, or to where they meant to",
    );
  }
}

function familyIn(id: ServiceId): Family {
  return "fwmark" in id ? id.family : familyOf(id.address);
}

function invalid(field: string, found: string, accepted: string): UvsError {
  return new UvsError("INVALID", `${field}: found ${found}, accepted is ${accepted}`, {
    details: { field, found },
  });
}
