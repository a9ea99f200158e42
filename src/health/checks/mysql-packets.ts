/** Packets of the MySQL and MariaDB protocol: framing, the greeting, errors, and what a login answers with. */
import { createHash } from "node:crypto";
import { CheckFailure } from "../checker.js";
import { excerpt } from "../excerpt.js";
import type { Dialogue } from "./dialogue.js";

/** One packet: three bytes of length, a sequence number, the payload. */
export interface Packet {
  readonly sequence: number;
  readonly payload: Buffer;
}

/** What the server says first. */
export interface Greeting {
  readonly sequence: number;
  /** Foreign text. */
  readonly version: string;
  readonly salt: Buffer;
  readonly capabilities: number;
  /** Authentication method that the server prefers. */
  readonly method: string;
}

/** Capability bits (handshake of protocol 10). */
export const CAPABILITY = {
  CONNECT_WITH_DB: 0x8,
  PROTOCOL_41: 0x200,
  SSL: 0x800,
  SECURE_CONNECTION: 0x8000,
  PLUGIN_AUTH: 0x80000,
} as const;

/** First bytes of packets. */
export const MARK = { OK: 0x00, MORE: 0x01, EOF: 0xfe, ERROR: 0xff } as const;

const PROTOCOL_VERSION = 10;
const SALT_SIZE = 20;
/** Nothing that a check asks for is longer. */
const LARGEST_PACKET = 16 * 1024;

/** Reads a packet. @throws CheckFailure L7RSP where it is too long; as Dialogue.readExactly */
export async function readPacket(dialogue: Dialogue): Promise<Packet> {
  const header = await dialogue.readExactly(4);
  const size = header.readUIntLE(0, 3);
  if (size === 0 || size > LARGEST_PACKET) {
    throw new CheckFailure("L7RSP", `not a MySQL packet, or one of ${size} bytes: ${excerpt(header)}`);
  }
  return { sequence: header[3], payload: await dialogue.readExactly(size) };
}

/** Frames a payload. */
export function packet(sequence: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

/** Reads the server's first packet. @throws CheckFailure L7STS where it is an error, L7RSP where it is no greeting */
export function readGreeting({ sequence, payload }: Packet): Greeting {
  if (payload[0] === MARK.ERROR) throw errorOf(payload, "connect");
  const versionEnd = payload.indexOf(0, 1);
  // Up to the 10 unused bytes, after which the rest of the salt comes.
  const restStart = versionEnd + 32;
  if (payload[0] !== PROTOCOL_VERSION || versionEnd < 0 || payload.length < restStart) {
    throw new CheckFailure("L7RSP", `not a MySQL greeting: ${excerpt(payload)}`);
  }
  const capabilities = payload.readUInt16LE(versionEnd + 14) | (payload.readUInt16LE(versionEnd + 19) << 16);
  const restEnd = restStart + Math.max(13, payload[versionEnd + 21] - 8);
  const salt = Buffer.concat([
    payload.subarray(versionEnd + 5, versionEnd + 13),
    payload.subarray(restStart, restEnd),
  ]).subarray(0, SALT_SIZE);
  const method = payload.toString("latin1", restEnd).split("\0", 1)[0];
  return { sequence, version: payload.toString("latin1", 1, versionEnd), salt, capabilities, method };
}

/** The failure that an error packet tells: number, SQL state, text. */
export function errorOf(payload: Buffer, after: string): CheckFailure {
  const code = payload.length >= 3 ? payload.readUInt16LE(1) : 0;
  const text = payload.toString("utf8", 3).replace(/^#.{5}/, "");
  return new CheckFailure("L7STS", `${after} answered with error ${code} ${excerpt(text)}`);
}

/**
 * What proves the password to the server, for the methods that are known.
 * @returns undefined for an unknown method
 */
export function authenticate(method: string, password: string, salt: Buffer): Buffer | undefined {
  if (method !== "mysql_native_password" && method !== "caching_sha2_password") return undefined;
  if (password === "") return Buffer.alloc(0);
  if (method === "mysql_native_password") {
    const once = digest("sha1", Buffer.from(password));
    return xor(once, digest("sha1", salt, digest("sha1", once)));
  }
  const once = digest("sha256", Buffer.from(password));
  return xor(once, digest("sha256", digest("sha256", once), salt));
}

function digest(algorithm: string, ...parts: readonly Buffer[]): Buffer {
  return createHash(algorithm).update(Buffer.concat(parts)).digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]));
}
