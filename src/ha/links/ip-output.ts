/**
 * What `ip addr show` prints: a line that begins with a number for each interface, and indented ones for what it has.
 */
import { canonicalIp } from "../../core/address.js";

/** An interface as it is listed. */
export interface ListedInterface {
  readonly name: string;
  /** Administratively up, and with a carrier. */
  readonly isUp: boolean;
  /** Canonical text. */
  readonly addresses: readonly string[];
}

const INTERFACE_LINE = /^\d+: ([^:@\s]+)(?:@\S+)?: <([^>]*)>/;
const ADDRESS_LINE = /^\s+inet6? ([0-9a-fA-F.:]+)/;

/** The interfaces among lines of output. */
export function listedInterfaces(lines: readonly string[]): ListedInterface[] {
  const found: (ListedInterface & { addresses: string[] })[] = [];
  for (const line of lines) {
    const [, name, flagText = ""] = INTERFACE_LINE.exec(line) ?? [];
    if (name !== undefined) {
      const flags = flagText.split(",");
      found.push({ name, isUp: flags.includes("UP") && flags.includes("LOWER_UP"), addresses: [] });
      continue;
    }
    const [, text = ""] = ADDRESS_LINE.exec(line) ?? [];
    const address = canonicalIp(text);
    if (address !== undefined) found.at(-1)?.addresses.push(address);
  }
  return found;
}

/** Key of an address on an interface. */
export function addressKey(interfaceName: string, address: string): string {
  return `${interfaceName} ${address}`;
}

/** The addresses among lines of output, by `addressKey`. */
export function listedAddresses(lines: readonly string[]): Set<string> {
  return new Set(
    listedInterfaces(lines).flatMap(({ name, addresses }) =>
      addresses.map((address) => addressKey(name, address)),
    ),
  );
}

/** What of the output is no listing: errors, in ip's words. The numbers of its input lines say nothing to anybody. */
export function complaints(lines: readonly string[]): string[] {
  return lines.filter(
    (line) => !INTERFACE_LINE.test(line) && !/^\s/.test(line) && !line.startsWith("Command failed"),
  );
}
