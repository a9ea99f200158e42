/**
 * What a service listens on, as a URL: `tcp://192.168.71.205:80`, `udp://[fd77::1]:domain`, `fwmark://8`. The same forms
 * that `serviceKey` prints, and besides them service names, capitals and addresses that are not canonical.
 */
import type { Protocol, ServiceId } from "../core/model.js";
import { parsePorts } from "../core/port-list.js";
import { parseAddress, parsePort, requireText, splitHostPort } from "./endpoint.js";
import type { PortLookup } from "./port-names.js";
import { refuse } from "./refuse.js";

/** The forms, as a regular expression for JSON Schema. */
export const LISTEN_PATTERN = "^([tT][cC][pP]|[uU][dD][pP]|[sS][cC][tT][pP]|[fF][wW][mM][aA][rR][kK]6?)://.+";

const ACCEPTED =
  "tcp://ADDRESS:PORT such as tcp://192.168.71.205:80 or tcp://[fd77::1]:http, udp:// or sctp:// likewise, tcp://any:PORT or tcp://any6:PORT, fwmark://MARK or fwmark6://MARK";
/** What stands for any address. */
const ANY: Readonly<Record<string, string>> = { any: "0.0.0.0", any6: "::" };
const PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp"] satisfies Protocol[];
const MAX_FWMARK = 0xffffffff;

/** Reads a listening URL, or a list of them. @throws UvsError INVALID */
export function parseListens(input: unknown, portOf: PortLookup): ServiceId | readonly ServiceId[] {
  if (!Array.isArray(input)) return parseListen(input, portOf);
  return input.length === 0 ? refuse(input, ACCEPTED) : input.map((item) => parseListen(item, portOf));
}

/** Reads a port or a range of ports. @throws UvsError INVALID */
export function parsePortItem(input: unknown): readonly number[] {
  const ports = typeof input === "number" || typeof input === "string" ? parsePorts(`${input}`) : undefined;
  return ports ?? refuse(input, 'a port from 1 to 65535, or a range such as "1024-1030"');
}

/** Reads a listening URL; the address is made canonical. @throws UvsError INVALID */
export function parseListen(input: unknown, portOf: PortLookup): ServiceId {
  const text = requireText(input, ACCEPTED);
  const match = /^(?:([a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text);
  const scheme = match?.[1]?.toLowerCase();
  const rest = match?.[2] ?? "";
  if (scheme === undefined) return refuse(text, ACCEPTED, "the protocol is missing");
  if (scheme === "fwmark" || scheme === "fwmark6") {
    const fwmark = /^\d{1,10}$/.test(rest) ? Number(rest) : 0;
    if (fwmark < 1 || fwmark > MAX_FWMARK) {
      return refuse(text, ACCEPTED, `the mark is no whole number from 1 to ${MAX_FWMARK}`);
    }
    return { fwmark, family: scheme === "fwmark6" ? 6 : 4 };
  }
  if (!PROTOCOLS.includes(scheme)) return refuse(text, ACCEPTED, "the protocol is unknown");
  const protocol = scheme as Protocol;
  const source = { text, accepted: ACCEPTED };
  const { host, port } = splitHostPort(rest);
  const address = ANY[host.toLowerCase()] ?? parseAddress(host, source);
  return { protocol, address, port: parsePort(port, protocol, portOf, source, 0) };
}
