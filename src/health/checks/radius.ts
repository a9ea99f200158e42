/**
 * Check kind `radius`: with a user an Access-Request (RFC 2865), without one a Status-Server (RFC 5997). Only answers that
 * prove to know the shared secret count.
 */
import { createHash, createHmac, randomBytes, randomInt } from "node:crypto";
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { invalidOption } from "../option.js";
import { exchangeDatagrams } from "./datagram.js";
import { checkLogin, type Login, type LoginOptions } from "./login.js";

/** Parameters of a RADIUS check, as plain data. Without `user` the server is asked for its status. */
export interface RadiusOptions extends LoginOptions {
  /** Shared secret, 1 to 128 bytes. */
  readonly secret: string;
  /** Which answers pass: only an acceptance, or any that is valid. @default "accept" */
  readonly expect?: "accept" | "any";
  /** NAS-Identifier. @default "uvs" */
  readonly nasIdentifier?: string;
}

/** Packet codes. */
const CODE = {
  REQUEST: 1,
  ACCEPT: 2,
  REJECT: 3,
  ACCOUNTING_RESPONSE: 5,
  CHALLENGE: 11,
  STATUS_SERVER: 12,
} as const;
const ANSWERS: Readonly<Record<number, string>> = {
  [CODE.ACCEPT]: "Access-Accept",
  [CODE.REJECT]: "Access-Reject",
  [CODE.ACCOUNTING_RESPONSE]: "Accounting-Response",
  [CODE.CHALLENGE]: "Access-Challenge",
};
/** Attribute types. */
const ATTRIBUTE = { USER_NAME: 1, USER_PASSWORD: 2, NAS_IDENTIFIER: 32, MESSAGE_AUTHENTICATOR: 80 } as const;
const HEADER_SIZE = 20;
const AUTHENTICATOR = 4;
/** RFC 2865 section 5.2. */
const LONGEST_PASSWORD = 128;
const LONGEST_ATTRIBUTE = 253;
const LONGEST_SECRET = 128;

/** Makes a RADIUS checker. @throws UvsError INVALID */
export function radiusCheck(options: RadiusOptions): Checker {
  const { secret, expect = "accept", nasIdentifier = "uvs" } = options;
  const login = checkLogin(options);
  if (!isSized(secret, LONGEST_SECRET))
    throw invalidOption("secret", "(hidden)", `1 to ${LONGEST_SECRET} bytes`);
  if (expect !== "accept" && expect !== "any") throw invalidOption("expect", expect, "accept or any");
  if (!isSized(nasIdentifier, LONGEST_ATTRIBUTE)) {
    throw invalidOption("nasIdentifier", nasIdentifier, `1 to ${LONGEST_ATTRIBUTE} bytes`);
  }
  if (login && !isSized(login.user, LONGEST_ATTRIBUTE)) {
    throw invalidOption("user", login.user, `1 to ${LONGEST_ATTRIBUTE} bytes`);
  }
  if (login && Buffer.byteLength(login.password) > LONGEST_PASSWORD) {
    throw invalidOption("password", "(hidden)", `at most ${LONGEST_PASSWORD} bytes`);
  }
  return {
    kind: "radius",
    name: login ? "radius Access-Request" : "radius Status-Server",
    key: `radius ${JSON.stringify([secret, login, expect, nasIdentifier])}`,
    async probe(probe) {
      const packet = request(secret, nasIdentifier, login);
      return exchangeDatagrams(probe, {
        request: () => packet,
        answer: (message) => (isProven(message, packet, secret) ? judge(message[0], expect) : undefined),
      });
    },
  };
}

function isSized(text: unknown, most: number): boolean {
  return typeof text === "string" && text !== "" && Buffer.byteLength(text) <= most;
}

function request(secret: string, nasIdentifier: string, login: Login | undefined): Buffer {
  const authenticator = randomBytes(16);
  const attributes = [attribute(ATTRIBUTE.NAS_IDENTIFIER, Buffer.from(nasIdentifier))];
  if (login) {
    const hidden = hide(login.password, secret, authenticator);
    attributes.push(attribute(ATTRIBUTE.USER_NAME, Buffer.from(login.user)));
    attributes.push(attribute(ATTRIBUTE.USER_PASSWORD, hidden));
  }
  // Last, so that its place is known: it signs the packet in which it is zero.
  attributes.push(attribute(ATTRIBUTE.MESSAGE_AUTHENTICATOR, Buffer.alloc(16)));
  const header = Buffer.from([login ? CODE.REQUEST : CODE.STATUS_SERVER, randomInt(256), 0, 0]);
  const packet = Buffer.concat([header, authenticator, ...attributes]);
  packet.writeUInt16BE(packet.length, 2);
  createHmac("md5", secret)
    .update(packet)
    .digest()
    .copy(packet, packet.length - 16);
  return packet;
}

function attribute(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length + 2]), value]);
}

/** The password as RFC 2865 section 5.2 hides it: each 16 bytes XOR the MD5 of the secret and the 16 hidden before. */
function hide(password: string, secret: string, authenticator: Buffer): Buffer {
  const plain = Buffer.from(password);
  const hidden = Buffer.alloc(Math.max(16, Math.ceil(plain.length / 16) * 16));
  plain.copy(hidden);
  for (let at = 0; at < hidden.length; at += 16) {
    const before = at === 0 ? authenticator : hidden.subarray(at - 16, at);
    const mask = createHash("md5").update(secret).update(before).digest();
    for (let i = 0; i < 16; i++) hidden[at + i] ^= mask[i];
  }
  return hidden;
}

/** Whether a packet answers ours and was made by somebody who knows the secret (response authenticator). */
function isProven(message: Buffer, packet: Buffer, secret: string): boolean {
  if (message.length < HEADER_SIZE || message[1] !== packet[1]) return false;
  const size = message.readUInt16BE(2);
  if (size < HEADER_SIZE || size > message.length) return false;
  const proof = createHash("md5")
    .update(message.subarray(0, AUTHENTICATOR))
    .update(packet.subarray(AUTHENTICATOR, HEADER_SIZE))
    .update(message.subarray(HEADER_SIZE, size))
    .update(secret)
    .digest();
  return proof.equals(message.subarray(AUTHENTICATOR, HEADER_SIZE));
}

function judge(code: number, expect: "accept" | "any"): CheckResult {
  const name = ANSWERS[code] ?? `code ${code}`;
  if (expect === "any" || code === CODE.ACCEPT || code === CODE.ACCOUNTING_RESPONSE) {
    return passed("L7OK", `answered with ${name}`);
  }
  throw new CheckFailure("L7STS", `answered with ${name}, wanted is Access-Accept`);
}
