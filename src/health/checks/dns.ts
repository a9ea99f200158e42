/** Check kind `dns`: a query over UDP or TCP; passes on NOERROR, and on the expected answer where one is given. */
import { randomInt } from "node:crypto";
import { canonicalIp } from "../../core/address.js";
import { type Checker, CheckFailure, type CheckResult, type Probe, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption } from "../option.js";
import { compilePattern, type Pattern } from "../pattern.js";
import { exchangeDatagrams } from "./datagram.js";
import { converse } from "./dialogue.js";
import {
  answersQuery,
  DNS_TYPES,
  type DnsResponse,
  type DnsType,
  decodeResponse,
  encodeQuery,
  reverseName,
} from "./dns-message.js";

/** Parameters of a DNS check, as plain data. */
export interface DnsOptions {
  /** Name to ask for; an IP address stands for its reverse name where the type is PTR. @default "." */
  readonly name?: string;
  /** @default "SOA" */
  readonly type?: DnsType;
  /** @default "udp" */
  readonly transport?: "udp" | "tcp";
  /** One of the answers must be this: an address, a name, or the record's data as in a zone file. @default none */
  readonly answer?: string;
  /** Regular expression that one of the answers must match (see pattern.ts). @default none */
  readonly answerRegex?: string;
}

const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

interface Plan {
  readonly name: string;
  readonly type: DnsType;
  readonly transport: "udp" | "tcp";
  readonly answer: string | undefined;
  readonly pattern: Pattern | undefined;
}

/** Makes a DNS checker. @throws UvsError INVALID */
export function dnsCheck(options: DnsOptions = {}): Checker {
  const plan = planOf(options);
  const { name, type, transport, answer } = plan;
  return {
    kind: "dns",
    name: `dns ${type} ${name} over ${transport}`,
    key: `dns ${JSON.stringify([name, type, transport, answer, options.answerRegex])}`,
    async probe(probe) {
      const query = encodeQuery(randomInt(0x10000), name, type)!;
      return judge(plan, await (transport === "udp" ? askUdp : askTcp)(probe, query, type));
    },
  };
}

function planOf(options: DnsOptions): Plan {
  const { type = "SOA", transport = "udp", answer, answerRegex } = options;
  if (!Object.hasOwn(DNS_TYPES, type)) throw invalidOption("type", type, Object.keys(DNS_TYPES).join(", "));
  if (transport !== "udp" && transport !== "tcp") throw invalidOption("transport", transport, "udp or tcp");
  const given = options.name ?? ".";
  const name = (type === "PTR" ? reverseName(given) : undefined) ?? given;
  if (encodeQuery(0, name, type) === undefined) {
    throw invalidOption(
      "name",
      given,
      "a domain name in ASCII, labels of 1 to 63 and together at most 255 bytes",
    );
  }
  if (answer === "") throw invalidOption("answer", answer, "the data of a record");
  const pattern = answerRegex === undefined ? undefined : compilePattern("answerRegex", answerRegex);
  return { name, type, transport, answer: answer === undefined ? undefined : comparable(answer), pattern };
}

function askUdp(probe: Probe, query: Buffer, type: DnsType): Promise<DnsResponse> {
  return exchangeDatagrams(probe, {
    request: () => query,
    answer: (message) => (answersQuery(message, query) ? decodeResponse(message, query, type) : undefined),
  });
}

function askTcp(probe: Probe, query: Buffer, type: DnsType): Promise<DnsResponse> {
  return converse(probe, undefined, async (dialogue) => {
    const size = Buffer.alloc(2);
    size.writeUInt16BE(query.length);
    dialogue.write(Buffer.concat([size, query]));
    const message = await dialogue.readExactly((await dialogue.readExactly(2)).readUInt16BE());
    if (!answersQuery(message, query)) throw new CheckFailure("L7RSP", "not a response to the query");
    return decodeResponse(message, query, type);
  });
}

function judge({ answer, pattern, type }: Plan, { rcode, answers, isTruncated }: DnsResponse): CheckResult {
  if (rcode !== 0) throw new CheckFailure("L7STS", `answered with ${RCODES[rcode] ?? `RCODE ${rcode}`}`);
  const found = answers.length === 0 ? `no ${type} record` : excerpt(answers.join(", "));
  const hint = isTruncated ? " (truncated: ask over tcp)" : "";
  if (answer !== undefined && !answers.some((one) => comparable(one) === answer)) {
    throw new CheckFailure("L7RSP", `expected ${excerpt(answer)}, found ${found}${hint}`);
  }
  if (pattern && !answers.some((one) => pattern.test(one))) {
    throw new CheckFailure("L7RSP", `expected a match of ${excerpt(pattern.source)}, found ${found}${hint}`);
  }
  return passed("L7OK", `answered with ${found}`);
}

/** Addresses and names have several spellings. */
function comparable(text: string): string {
  return canonicalIp(text) ?? text.toLowerCase().replace(/\.$/, "");
}
