/** The keys of the PROXY protocol: their schema, what they come to, and the way back. */
import { z } from "zod";
import { canonicalIp } from "../core/address.js";
import { type AcceptProxy, MAX_TRUSTED_NETWORKS, type ProxyProtocol } from "../core/model.js";
import { formatNetwork, parseNetwork } from "../core/network.js";
import { DEFAULT_MAX_HEADER, MAX_HEADER } from "../core/proxy-protocol/format.js";
import { parseDuration } from "./duration.js";
import { choice, duration, field, flag, integer, list, section } from "./fields.js";
import { refusal, refuse } from "./refuse.js";

const VERSIONS = ["v1", "v2"] as const;
const DEFAULT_OTHERS = "plain";
const DEFAULT_TIMEOUT = "5s";
const NETWORK = "a network such as 10.0.0.0/8 or fd77::/16, or an address";

type SendEntry = z.output<ReturnType<typeof proxyProtocolSchema>>;
type AcceptEntry = z.output<ReturnType<typeof acceptProxySchema>>;
type Mapping = Readonly<Record<string, unknown>>;
/** An entry of which any value may have been refused. */
type Unsure<T> = { readonly [K in keyof T]?: T[K] };

/** `v1` or `v2`. */
export function proxyVersion() {
  return choice(VERSIONS);
}

/** `v1`, `v2`, or a mapping. */
export function proxyProtocolSchema() {
  const mapping = section(
    {
      version: proxyVersion().describe("v1 is a line of text, v2 is binary."),
      crc32c: flag().prefault(false).describe("v2 with a checksum of the header."),
      "unique-id": flag().prefault(false).describe("v2 with an id that no other connection has."),
    },
    "v1, v2, or ",
  );
  return z.preprocess((input) => (typeof input === "string" ? { version: input } : input), mapping);
}

/** Which clients of a service send a header. */
export function acceptProxySchema() {
  return section({
    from: list(field(parseFrom, { type: "string" }), "networks").describe(
      "Networks and addresses of the proxies: who comes from there sends a header, and is believed.",
    ),
    others: choice(["plain", "refuse"])
      .prefault(DEFAULT_OTHERS)
      .describe("What becomes of clients from elsewhere: served as they are, without a header, or reset."),
    timeout: duration("1ms", "1h").prefault(DEFAULT_TIMEOUT).describe("Time for the whole header."),
    "max-header": integer(DEFAULT_MAX_HEADER, MAX_HEADER)
      .prefault(DEFAULT_MAX_HEADER)
      .describe("Longest header that is accepted, in bytes; more only for large TLVs of version 2."),
  });
}

export function toProxyProtocol({ version, crc32c, "unique-id": uniqueId }: SendEntry): ProxyProtocol {
  return { version: versionNumber(version), crc32c, uniqueId };
}

export function versionNumber(version: (typeof VERSIONS)[number]): 1 | 2 {
  return version === "v1" ? 1 : 2;
}

export function toAcceptProxy({ from, others, timeout, "max-header": maxHeader }: AcceptEntry): AcceptProxy {
  return { from: from ?? [], others, timeoutMs: timeout, maxHeader };
}

/** The shortest entry that means these settings. */
export function proxyProtocolEntry(settings: ProxyProtocol | undefined): Mapping | string | undefined {
  if (settings === undefined) return undefined;
  const version = VERSIONS[settings.version - 1];
  if (!settings.crc32c && !settings.uniqueId) return version;
  return {
    version,
    ...(settings.crc32c && { crc32c: true }),
    ...(settings.uniqueId && { "unique-id": true }),
  };
}

/** The entry without what has its default. @param duration writes one */
export function acceptProxyEntry(
  settings: AcceptProxy | undefined,
  duration: (ms: number) => string,
): Mapping | undefined {
  if (settings === undefined) return undefined;
  const { from, others, timeoutMs, maxHeader } = settings;
  return {
    from,
    ...(others !== DEFAULT_OTHERS && { others }),
    ...(timeoutMs !== parseDuration(DEFAULT_TIMEOUT) && { timeout: duration(timeoutMs) }),
    ...(maxHeader !== DEFAULT_MAX_HEADER && { "max-header": maxHeader }),
  };
}

/** What is wrong with what a header is to carry, or undefined. @param isUdp for a UDP service */
export function sendProblem(entry: Unsure<SendEntry> | undefined, isUdp: boolean): string | undefined {
  if (entry?.version !== "v1") return undefined;
  if (isUdp) return refusal("v1", "v2 for udp: version 1 knows TCP only");
  if (!entry.crc32c && !entry["unique-id"]) return undefined;
  return "found v1 with crc32c or unique-id, accepted is v2 with them: a line of text carries neither";
}

/** What is wrong with who is to be believed, or undefined. */
export function acceptProblem({ from }: Unsure<AcceptEntry>): string | undefined {
  if (!Array.isArray(from) && from !== null) return undefined;
  const count = from?.length ?? 0;
  if (count > 0 && count <= MAX_TRUSTED_NETWORKS) return undefined;
  return `found ${count} networks in from, accepted are 1 to ${MAX_TRUSTED_NETWORKS}`;
}

function parseFrom(input: unknown): string {
  const network = typeof input === "string" ? parseNetwork(input) : undefined;
  if (typeof input !== "string" || network === undefined) return refuse(input, NETWORK);
  const text = formatNetwork(network);
  const [host] = input.split("/");
  if (canonicalIp(host) === text.split("/")[0]) return text;
  return refuse(input, text, `it has bits set behind its ${network.prefix}th`);
}
