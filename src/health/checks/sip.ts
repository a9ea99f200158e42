/** Check kind `sip`: an OPTIONS request over UDP or TCP, answered with 200 (RFC 3261 section 11). */
import { randomBytes } from "node:crypto";
import { type Endpoint, formatEndpoint } from "../../core/address.js";
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption } from "../option.js";
import { exchangeDatagrams } from "./datagram.js";
import { converse, type Dialogue } from "./dialogue.js";

/** Parameters of a SIP check, as plain data. */
export interface SipOptions {
  /** @default "udp" */
  readonly transport?: "udp" | "tcp";
  /** Who asks and is asked: `name@host`. @default "uvs@" and the address of the realserver */
  readonly uri?: string;
}

const MAX_HEADERS = 200;
/** Provisional answers (1xx) and answers to others before ours. */
const MAX_ANSWERS = 20;

/** Makes a SIP checker. @throws UvsError INVALID */
export function sipCheck(options: SipOptions = {}): Checker {
  const { transport = "udp", uri } = options;
  if (transport !== "udp" && transport !== "tcp") throw invalidOption("transport", transport, "udp or tcp");
  if (uri !== undefined && !/^[A-Za-z0-9._~!$&'()*+=-]{1,100}@[A-Za-z0-9.:[\]-]{1,255}$/.test(uri)) {
    throw invalidOption("uri", uri, "a SIP address such as name@host");
  }
  return {
    kind: "sip",
    name: `sip OPTIONS${uri === undefined ? "" : ` ${uri}`} over ${transport}`,
    key: `sip ${JSON.stringify([transport, uri])}`,
    async probe(probe) {
      const callId = randomBytes(12).toString("hex");
      const asked = uri ?? `uvs@${formatEndpoint(probe.target)}`;
      if (transport === "tcp") {
        return converse(probe, undefined, async (dialogue) => {
          const { localAddress = "", localPort = 0 } = dialogue.socket;
          dialogue.write(request("TCP", asked, callId, { address: localAddress, port: localPort }));
          return readAnswer(dialogue, callId);
        });
      }
      return exchangeDatagrams(probe, {
        request: (local) => Buffer.from(request("UDP", asked, callId, local)),
        answer: (message) => judge(message.toString("latin1").split(/\r?\n/), callId),
      });
    },
  };
}

function request(transport: "UDP" | "TCP", uri: string, callId: string, local: Endpoint): string {
  const own = formatEndpoint(local);
  const lines = [
    `OPTIONS sip:${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${own};branch=z9hG4bK${callId}`,
    "Max-Forwards: 70",
    `To: <sip:${uri}>`,
    `From: <sip:${uri}>;tag=${callId.slice(0, 8)}`,
    `Call-ID: ${callId}`,
    "CSeq: 1 OPTIONS",
    `Contact: <sip:uvs@${own}>`,
    "Accept: application/sdp",
    "Content-Length: 0",
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

async function readAnswer(dialogue: Dialogue, callId: string): Promise<CheckResult> {
  for (let i = 0; i < MAX_ANSWERS; i++) {
    const lines: string[] = [];
    for (
      let line = await dialogue.readLine();
      line !== "" || lines.length === 0;
      line = await dialogue.readLine()
    ) {
      lines.push(line);
      if (lines.length > MAX_HEADERS)
        throw new CheckFailure("L7RSP", `answer of more than ${MAX_HEADERS} headers`);
      if (!/^SIP\/2\.0 /.test(lines[0])) break;
    }
    const result = judge(lines, callId);
    if (result) return result;
  }
  throw new CheckFailure("L7RSP", `no answer to OPTIONS among ${MAX_ANSWERS}`);
}

/** @returns undefined where the answer is provisional, or to another request */
function judge(lines: readonly string[], callId: string): CheckResult | undefined {
  const [, digits] = /^SIP\/2\.0 ([1-6]\d\d)(?: |$)/.exec(lines[0]) ?? [];
  if (digits === undefined) throw new CheckFailure("L7RSP", `not a SIP answer: ${excerpt(lines[0])}`);
  const isOurs = lines.some((line) => /^(?:call-id|i)\s*:/i.test(line) && line.includes(callId));
  if (!isOurs || digits.startsWith("1")) return undefined;
  if (digits === "200") return passed("L7OK", "status 200");
  throw new CheckFailure("L7STS", `status ${digits}, wanted is 200 (${excerpt(lines[0])})`);
}
