/**
 * The VRRP message as bytes: version 2 (RFC 2338, RFC 3768) and version 3 (RFC 5798, RFC 9568), IPv4 and IPv6.
 *
 * | byte | version 2 | version 3 |
 * |---|---|---|
 * | 0 | 0x21: version, type 1 | 0x31 |
 * | 1 | virtual router id | the same |
 * | 2 | priority | the same |
 * | 3 | number of addresses n | the same |
 * | 4 | authentication type | 4 bits 0, 12 bits interval in centiseconds |
 * | 5 | interval in seconds | |
 * | 6 | checksum, 2 bytes | the same |
 * | 8 | n addresses of 4 bytes, then 8 bytes of authentication | n addresses of 4 or 16 bytes |
 *
 * What is decoded here is right in itself; whether it is for us is `receive.ts`.
 */
import { type Family, familyOf } from "../../core/address.js";
import { ADDRESS_BYTES, addressAt, addressBytes } from "../address-bytes.js";
import { type ChecksumForm, internetChecksum, pseudoHeader, VRRP_PROTOCOL } from "./checksum.js";
import type { DropReason } from "./drop-reasons.js";
import { TRAILER_BYTES } from "./hmac-trailer.js";

/** Protocol version; 2 speaks IPv4 only. */
export type Version = 2 | 3;

/** Priority of the last advertisement of a master that leaves. */
export const PRIORITY_LEAVING = 0;
/** Priority of the owner of the addresses. */
export const PRIORITY_OWNER = 255;

/** Groups that all VRRP routers of a link listen to. */
export const MULTICAST_GROUP: Readonly<Record<Family, string>> = { 4: "224.0.0.18", 6: "ff02::12" };

/** Version 2's authentication: type 0 none, 1 password; others are decoded, so that they can be refused by name. */
export interface Authentication {
  readonly type: number;
  /** 8 bytes: the password in clear, padded with zeros. */
  readonly data: Uint8Array;
}

/** One ADVERTISEMENT. */
export interface Advertisement {
  readonly version: Version;
  /** Virtual router id, 1 to 255. */
  readonly vrid: number;
  /** 0 leaving, 1 to 254, 255 owner. */
  readonly priority: number;
  /** Centiseconds: 1 to 4095 in version 3, whole seconds in version 2. */
  readonly intervalCs: number;
  /** Canonical text, all of one family. */
  readonly addresses: readonly string[];
  /** Version 2 only. */
  readonly authentication?: Authentication;
}

/** The addresses in the IP header around the message. */
export interface Envelope {
  readonly source: string;
  readonly destination: string;
}

/** A message that was decoded. */
export interface Decoded {
  readonly advertisement: Advertisement;
  /** The form in which its checksum is right; of version 2 and IPv6 there is one only. */
  readonly checksumForm: ChecksumForm;
  /** The HMAC trailer behind the message, where there is one. */
  readonly trailer?: Uint8Array;
}

const TYPE_ADVERTISEMENT = 1;
const HEADER_BYTES = 8;
const AUTHENTICATION_BYTES = 8;
const CHECKSUM_AT = 6;
const NO_AUTHENTICATION: Authentication = { type: 0, data: new Uint8Array(AUTHENTICATION_BYTES) };

/** Authentication by the first 8 bytes of a password. */
export function passwordAuthentication(password: string): Authentication {
  const data = new Uint8Array(AUTHENTICATION_BYTES);
  data.set(Buffer.from(password).subarray(0, AUTHENTICATION_BYTES));
  return { type: 1, data };
}

/**
 * Encodes an advertisement.
 * @param trailer appended as it is; over IPv6 the checksum covers it
 * @param form applies to version 3 over IPv4. @default "pseudo-header", which is keepalived's
 */
export function encode(
  advertisement: Advertisement,
  envelope: Envelope,
  form: ChecksumForm = "pseudo-header",
  trailer?: Uint8Array,
): Uint8Array {
  const { version, addresses, intervalCs } = advertisement;
  const family = familyOf(envelope.source);
  const length = messageBytes(version, family, addresses.length);
  const bytes = new Uint8Array(length + (trailer?.length ?? 0));
  const view = new DataView(bytes.buffer);
  bytes[0] = (version << 4) | TYPE_ADVERTISEMENT;
  bytes[1] = advertisement.vrid;
  bytes[2] = advertisement.priority;
  bytes[3] = addresses.length;
  addresses.forEach((address, i) => {
    bytes.set(addressBytes(address), HEADER_BYTES + i * ADDRESS_BYTES[family]);
  });
  if (version === 2) {
    const { type, data } = advertisement.authentication ?? NO_AUTHENTICATION;
    bytes[4] = type;
    bytes[5] = Math.round(intervalCs / 100);
    bytes.set(data, length - AUTHENTICATION_BYTES);
  } else {
    view.setUint16(4, intervalCs & 0xfff);
  }
  if (trailer !== undefined) bytes.set(trailer, length);
  const covered = family === 6 ? bytes : bytes.subarray(0, length);
  view.setUint16(CHECKSUM_AT, internetChecksum(...checksummed(version, covered, envelope, form)));
  return bytes;
}

/**
 * Decodes a VRRP message (what follows the IP header), checking all that can be checked without knowing the instance.
 * @returns the reason where it must be dropped; never throws
 */
export function decode(bytes: Uint8Array, envelope: Envelope): Decoded | DropReason {
  if (bytes.length < HEADER_BYTES) return "packet_len_err";
  const family = familyOf(envelope.source);
  const version = bytes[0] >> 4;
  if (!(version === 3 || (version === 2 && family === 4))) return "version_err";
  const count = bytes[3];
  const length = messageBytes(version, family, count);
  const isSigned = bytes.length === length + TRAILER_BYTES;
  if (bytes.length !== length && !isSigned) return "packet_len_err";
  if ((bytes[0] & 0xf) !== TYPE_ADVERTISEMENT) return "invalid_type_rcvd";
  const covered = family === 6 ? bytes : bytes.subarray(0, length);
  const checksumForm = formOf(version, family, covered, envelope);
  if (checksumForm === undefined) return "checksum_err";
  const addresses: string[] = [];
  for (let i = 0; i < count; i++) {
    addresses.push(addressAt(bytes, HEADER_BYTES + i * ADDRESS_BYTES[family], family));
  }
  const authentication =
    version === 2 ? { type: bytes[4], data: bytes.slice(length - AUTHENTICATION_BYTES, length) } : undefined;
  const intervalCs = version === 2 ? bytes[5] * 100 : ((bytes[4] & 0xf) << 8) | bytes[5];
  return {
    advertisement: {
      version,
      vrid: bytes[1],
      priority: bytes[2],
      intervalCs,
      addresses,
      ...(authentication && { authentication }),
    },
    checksumForm,
    ...(isSigned && { trailer: bytes.slice(length) }),
  };
}

/** The virtual router id of a message that may be anything; undefined where it is too short to have one. */
export function peekVrid(bytes: Uint8Array): number | undefined {
  return bytes[1];
}

function messageBytes(version: Version, family: Family, count: number): number {
  return HEADER_BYTES + count * ADDRESS_BYTES[family] + (version === 2 ? AUTHENTICATION_BYTES : 0);
}

/** What the checksum covers. */
function checksummed(
  version: Version,
  message: Uint8Array,
  envelope: Envelope,
  form: ChecksumForm,
): Uint8Array[] {
  const { source, destination } = envelope;
  if (version === 2) return [message];
  if (familyOf(source) === 4) {
    if (form === "message-only") return [message];
    const to = form === "multicast-pseudo-header" ? MULTICAST_GROUP[4] : destination;
    return [pseudoHeader(source, to, VRRP_PROTOCOL, message.length), message];
  }
  return [pseudoHeader(source, destination, VRRP_PROTOCOL, message.length), message];
}

/** The form in which the checksum is right: the sum over a message with its checksum has no bit missing. */
function formOf(
  version: Version,
  family: Family,
  message: Uint8Array,
  envelope: Envelope,
): ChecksumForm | undefined {
  const isRight = (form: ChecksumForm): boolean =>
    internetChecksum(...checksummed(version, message, envelope, form)) === 0;
  if (isRight("pseudo-header")) return "pseudo-header";
  if (version === 2 || family === 6) return undefined;
  if (isRight("message-only")) return "message-only";
  return isRight("multicast-pseudo-header") ? "multicast-pseudo-header" : undefined;
}
