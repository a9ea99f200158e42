/** Values of options as ipvsadm reads them, which is as the C library does. */
import { formatIp, parseIp } from "../../core/address.js";
import { SCHEDULER_FLAG_BITS, type SchedulerFlag } from "../../core/model.js";
import { CommandLineError } from "./failure.js";

/** A whole number in decimal (leading blanks and a sign are fine, as for strtol), or undefined outside of min to max. */
export function wholeNumber(text: string, min: number, max: number): number | undefined {
  const match = /^[\t-\r ]*([+-]?\d+)$/.exec(text);
  if (match === null) return undefined;
  const value = Number(match[1]);
  return value >= min && value <= max ? value : undefined;
}

/** As wholeNumber, but refuses what is outside. @throws CommandLineError (2) with the message */
export function numberOr(message: string, text: string, min: number, max: number): number {
  const value = wholeNumber(text, min, max);
  if (value === undefined) throw new CommandLineError(message);
  return value;
}

/** Greatest time-out: 31 days, in seconds. */
export const MAX_TIMEOUT_SEC = 2678400;

/** A time-out in seconds. @throws CommandLineError (2) */
export function timeoutSec(text: string, min: number): number {
  return numberOr(`invalid timeout value \`${text}' specified`, text, min, MAX_TIMEOUT_SEC);
}

/** A firewall mark, 1 to 4294967295. @throws CommandLineError (2) */
export function firewallMark(text: string): number {
  return numberOr(`invalid fwmark value \`${text}' specified`, text, 1, 0xffffffff);
}

/**
 * An IPv4 address as inet_aton(3) reads it: one to four parts, decimal, octal (`010`) or hexadecimal (`0x0a`), of which
 * the last fills the bytes that are left; what follows a blank is ignored.
 * @returns the dotted quad, or undefined where the text is none
 */
export function inetAton(text: string): string | undefined {
  const parts = text.replace(/[\t-\r ].*$/s, "").split(".");
  if (parts.length > 4) return undefined;
  const lastMax = 256 ** (5 - parts.length) - 1;
  let address = 0;
  for (const [i, part] of parts.entries()) {
    if (!/^(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(part)) return undefined;
    const value = /^0[0-7]/.test(part) ? Number.parseInt(part, 8) : Number(part);
    const isLast = i === parts.length - 1;
    if (value > (isLast ? lastMax : 255)) return undefined;
    address += isLast ? value : value * 256 ** (3 - i);
  }
  return formatIp(4, address);
}

/** A multicast group in canonical text. @throws CommandLineError (2) */
export function multicastGroup(text: string): string {
  const family = text.includes(":") ? 6 : 4;
  const ip = parseIp(text);
  const isMulticast =
    ip !== undefined && (family === 6 ? ip.words[0] >>> 24 === 0xff : ip.words[0] >>> 28 === 0xe);
  if (!isMulticast) throw new CommandLineError(`invalid IPv${family} mcast-group \`${text}'`);
  return formatIp(ip.family, ...ip.words);
}

/**
 * The bits of a comma-separated list of scheduler flags.
 * @throws CommandLineError (2) for an unknown flag, or one of another scheduler
 */
export function schedulerFlagBits(list: string, scheduler: string): number {
  let bits = 0;
  for (const flag of list.split(",").filter((name) => name !== "")) {
    if (!Object.hasOwn(SCHEDULER_FLAG_BITS, flag)) {
      throw new CommandLineError(`invalid scheduler flag \`${flag}'`);
    }
    const owner = flag.slice(0, flag.indexOf("-"));
    if (owner !== "flag" && owner !== scheduler) {
      throw new CommandLineError(`incompatible scheduler flag \`${flag}'`);
    }
    bits |= SCHEDULER_FLAG_BITS[flag as SchedulerFlag];
  }
  return bits;
}

/** The flags of a scheduler by name, in the order in which ipvsadm prints them: sh and mh have names of their own. */
export function schedulerFlagNames(bits: number, scheduler: string): string[] {
  const prefix = scheduler === "sh" || scheduler === "mh" ? `${scheduler}-` : "flag-";
  return Object.entries(SCHEDULER_FLAG_BITS)
    .filter(([name, bit]) => name.startsWith(prefix) && (bits & bit) !== 0)
    .map(([name]) => name);
}
