/** The netmask of persistence: what of a client's address counts. */
import { parseIp } from "../core/address.js";
import { refuse } from "./refuse.js";

const ACCEPTED = "a dotted IPv4 netmask such as 255.255.255.0, or an IPv6 prefix length from 1 to 128";

/** Reads a netmask; whether it fits the service's family is not looked at. @throws UvsError INVALID */
export function parseNetmask(input: unknown): string | number {
  if (typeof input === "string" && parseIp(input)?.family === 4) return input;
  if (typeof input === "number" && Number.isInteger(input) && input >= 1 && input <= 128) return input;
  return refuse(input, ACCEPTED);
}
