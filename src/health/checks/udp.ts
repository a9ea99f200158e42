/**
 * Check kind `udp`: sends a datagram. An ICMP error (nobody listens there) fails; silence passes, unless a reply is asked
 * for, which then may have to hold some text, bytes, or be of some length (keepalived's UDP_CHECK).
 */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption } from "../option.js";
import { exchangeDatagrams } from "./datagram.js";

/** Parameters of a UDP check, as plain data; at most one of `send`, `sendHex` and one of `expect`, `expectHex`. */
export interface UdpOptions {
  /** Text to send, UTF-8. @default one zero byte */
  readonly send?: string;
  /** Bytes to send, as pairs of hexadecimal digits. */
  readonly sendHex?: string;
  /** Whether silence fails. @default true with any of the options below, else false */
  readonly requireReply?: boolean;
  /** Text that the reply must contain. @default none */
  readonly expect?: string;
  /** Bytes that the reply must begin with; `X` stands for any digit. A shorter reply is compared as far as it goes. @default none */
  readonly expectHex?: string;
  /** Length of the reply in bytes. @default 0 */
  readonly minLength?: number;
  /** @default 65535 */
  readonly maxLength?: number;
}

const LARGEST_DATAGRAM = 65_507;
const LARGEST_SIZE = 65_535;
/** Longest time in which an ICMP error is waited for. */
const LONGEST_SILENCE_MS = 1000;

interface Plan {
  readonly payload: Buffer;
  readonly requireReply: boolean;
  readonly text: Buffer | undefined;
  readonly pattern: HexPattern | undefined;
  readonly minLength: number;
  readonly maxLength: number;
}

/** Bytes, each with a mask of the bits that matter. */
interface HexPattern {
  readonly bytes: Buffer;
  readonly mask: Buffer;
}

/** Makes a UDP checker. @throws UvsError INVALID */
export function udpCheck(options: UdpOptions = {}): Checker {
  const plan = planOf(options);
  const { payload, requireReply } = plan;
  const { expect, expectHex } = options;
  return {
    kind: "udp",
    name: requireReply ? "udp reply" : "udp reachable",
    key: `udp ${JSON.stringify([payload.toString("hex"), requireReply, expect, expectHex, plan.minLength, plan.maxLength])}`,
    probe(probe) {
      const afterMs = Math.min(LONGEST_SILENCE_MS, probe.timeoutMs / 2);
      const answer = passed("L4OK", "no ICMP error");
      return exchangeDatagrams(probe, {
        request: () => payload,
        answer: (message) => judge(plan, message),
        silence: requireReply ? undefined : { answer, afterMs },
      });
    },
  };
}

function planOf(options: UdpOptions): Plan {
  const { send, sendHex, expect, expectHex, minLength = 0, maxLength = LARGEST_SIZE } = options;
  if (send !== undefined && sendHex !== undefined)
    throw invalidOption("sendHex", sendHex, "only one of send and sendHex");
  if (expect !== undefined && expectHex !== undefined) {
    throw invalidOption("expectHex", expectHex, "only one of expect and expectHex");
  }
  for (const [field, value] of Object.entries({ minLength, maxLength })) {
    if (!Number.isInteger(value) || value < 0 || value > LARGEST_SIZE) {
      throw invalidOption(field, value, `a whole number of bytes from 0 to ${LARGEST_SIZE}`);
    }
  }
  if (minLength > maxLength) throw invalidOption("minLength", minLength, `at most maxLength (${maxLength})`);
  const wantsReply = expect ?? expectHex ?? options.minLength ?? options.maxLength;
  const requireReply = options.requireReply ?? wantsReply !== undefined;
  if (!requireReply && wantsReply !== undefined) {
    throw invalidOption("requireReply", false, "true where something is expected of the reply");
  }
  const payload =
    sendHex === undefined ? Buffer.from(send ?? "\0") : readHex("sendHex", sendHex, "0-9a-f").bytes;
  if (payload.length > LARGEST_DATAGRAM)
    throw invalidOption("send", payload.length, `at most ${LARGEST_DATAGRAM} bytes`);
  const pattern = expectHex === undefined ? undefined : readHex("expectHex", expectHex, "0-9a-fx");
  return {
    payload,
    requireReply,
    text: expect === undefined ? undefined : Buffer.from(expect),
    pattern,
    minLength,
    maxLength,
  };
}

function judge({ text, pattern, minLength, maxLength }: Plan, reply: Buffer): CheckResult {
  if (reply.length < minLength || reply.length > maxLength) {
    throw new CheckFailure(
      "L7RSP",
      `reply of ${reply.length} bytes, wanted are ${minLength} to ${maxLength}`,
    );
  }
  if (text && !reply.includes(text)) {
    throw new CheckFailure("L7RSP", `expected ${excerpt(text)}, found ${excerpt(reply)}`);
  }
  if (pattern && !matches(pattern, reply)) {
    throw new CheckFailure(
      "L7RSP",
      `expected bytes ${pattern.bytes.toString("hex").slice(0, 80)}, found ${excerpt(reply)}`,
    );
  }
  return passed("L7OK", `reply of ${reply.length} bytes`);
}

function matches({ bytes, mask }: HexPattern, reply: Buffer): boolean {
  const size = Math.min(bytes.length, reply.length);
  for (let i = 0; i < size; i++) if ((reply[i] & mask[i]) !== bytes[i]) return false;
  return true;
}

/** Reads pairs of digits, blanks between them allowed. @throws UvsError INVALID */
function readHex(field: string, text: string, digits: string): HexPattern {
  const pairs = text.replace(/\s+/g, "").toLowerCase();
  if (!new RegExp(`^(?:[${digits}]{2})+$`).test(pairs)) {
    throw invalidOption(
      field,
      text,
      `pairs of hexadecimal digits${digits.includes("x") ? ", or X for any digit" : ""}`,
    );
  }
  return {
    bytes: Buffer.from(pairs.replaceAll("x", "0"), "hex"),
    mask: Buffer.from(pairs.replace(/[^x]/g, "f").replaceAll("x", "0"), "hex"),
  };
}
