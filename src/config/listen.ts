/** What a service listens on, as a URL: `tcp://192.168.71.205:80`, `tcp://[fd77::1]:http`. */
import type { Endpoint } from "../core/address.js";
import { parseAddress, parsePort, requireText, splitHostPort } from "./endpoint.js";
import type { PortLookup } from "./port-names.js";
import { refuse } from "./refuse.js";

/** The identity of a service as the file can name it. */
export interface Listen extends Endpoint {
  readonly protocol: "tcp";
}

const ACCEPTED = "tcp://ADDRESS:PORT such as tcp://192.168.71.205:80 or tcp://[fd77::1]:http";

/** Reads a listening URL; the address is made canonical. @throws UvsError INVALID */
export function parseListen(input: unknown, portOf: PortLookup): Listen {
  const text = requireText(input, ACCEPTED);
  const match = /^(?:([a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text);
  const scheme = match?.[1]?.toLowerCase();
  if (scheme === "udp") return refuse(text, ACCEPTED, "UDP services are not there yet");
  if (scheme === undefined) return refuse(text, ACCEPTED, "the protocol is missing");
  if (scheme !== "tcp") return refuse(text, ACCEPTED, "the protocol is unknown");
  const source = { text, accepted: ACCEPTED };
  const { host, port } = splitHostPort(match?.[2] ?? "");
  const address = parseAddress(host, source);
  return { protocol: "tcp", address, port: parsePort(port, "tcp", portOf, source) };
}
