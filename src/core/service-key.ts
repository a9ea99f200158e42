/** Parses the text forms that `serviceKey` and `realserverKey` print. What parses is canonical: it prints back equal. */
import { canonicalIp, type Endpoint } from "./address.js";
import { UvsError } from "./errors.js";
import type { Protocol, ServiceId } from "./model.js";

const ACCEPTED_SERVICE =
  "tcp://, udp:// or sctp:// with ADDRESS:PORT (an IPv6 address in brackets), fwmark://MARK or fwmark6://MARK";
const ACCEPTED_ENDPOINT = "ADDRESS:PORT, an IPv6 address in brackets, port 0 to 65535";
const MAX_FWMARK = 0xffffffff;

/**
 * Parses a service key: `tcp://192.0.2.1:80`, `udp://[2001:db8::1]:53`, `fwmark://8`, `fwmark6://8`.
 * @throws UvsError INVALID, naming the text and what is accepted
 */
export function parseServiceKey(text: string): ServiceId {
  const [, scheme, rest] = /^([a-z0-9]+):\/\/(.*)$/s.exec(text) ?? [];
  const id =
    scheme === "tcp" || scheme === "udp" || scheme === "sctp"
      ? addressService(scheme, rest)
      : markService(scheme, rest);
  if (id === undefined) throw refused("service", text, ACCEPTED_SERVICE);
  return id;
}

/**
 * Parses an address with its port: `10.0.0.1:80`, `[fd77::1]:80`. No names, no spaces, port in decimal digits.
 * @throws UvsError INVALID, naming the text and what is accepted
 */
export function parseRealserverKey(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw refused("realserver", text, ACCEPTED_ENDPOINT);
  return endpoint;
}

function addressService(protocol: Protocol, rest: string): ServiceId | undefined {
  const endpoint = parseEndpoint(rest);
  return endpoint && { protocol, ...endpoint };
}

function markService(scheme: string | undefined, rest: string | undefined): ServiceId | undefined {
  if (scheme !== "fwmark" && scheme !== "fwmark6") return undefined;
  const fwmark = wholeNumber(rest ?? "");
  if (!(fwmark >= 1 && fwmark <= MAX_FWMARK)) return undefined;
  return { fwmark, family: scheme === "fwmark6" ? 6 : 4 };
}

function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text) ?? [];
  const address = canonicalIp(bracketed ?? plain ?? "");
  const port = wholeNumber(digits ?? "");
  if (address === undefined || !(port <= 65535)) return undefined;
  // Brackets belong to IPv6 and only to it, so that each endpoint has one spelling.
  return address.includes(":") === (bracketed !== undefined) ? { address, port } : undefined;
}

/** The number that decimal digits name, or NaN, which every comparison refuses. */
function wholeNumber(digits: string): number {
  return /^\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN;
}

function refused(what: string, text: string, accepted: string): UvsError {
  const found = text.length > 100 ? `${text.slice(0, 100)}...` : text;
  return new UvsError("INVALID", `${what}: found ${JSON.stringify(found)}, accepted is ${accepted}`, {
    details: { field: what, found },
  });
}
