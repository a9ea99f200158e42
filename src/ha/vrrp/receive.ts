/**
 * Whether a packet is for an instance (reference: ha.md §2.6). Everything is looked at before anything is changed; what
 * is refused has a named reason. As RFC 9568 wants it, another list of addresses is told and counted, but not refused:
 * otherwise both directors would be masters while their configurations are being changed.
 */
import { timingSafeEqual } from "node:crypto";
import type { ChecksumForm } from "./checksum.js";
import { type Advertisement, type Authentication, decode } from "./codec.js";
import type { DropReason } from "./drop-reasons.js";
import { type HmacKeys, isLater, type Sequence, verifyTrailer } from "./hmac-trailer.js";
import type { InstanceSettings } from "./settings.js";
import type { ReceivedPacket } from "./transport.js";

/** An advertisement that counts. */
export interface Accepted {
  readonly advertisement: Advertisement;
  readonly checksumForm: ChecksumForm;
  /** Whether it names other addresses than ours. */
  readonly hasOtherAddresses: boolean;
}

const FULL_TTL = 255;
const MAX_SENDERS = 64;

/** Checks the packets of one instance. */
export class Receiver {
  readonly #settings: InstanceSettings;
  readonly #expected: Authentication | undefined;
  readonly #advertised: readonly string[];
  readonly #nowSec: () => number;
  /** Last sequence of each sender. */
  readonly #sequences = new Map<string, Sequence>();

  /** @param nowSec the wall clock in seconds, for the time in an HMAC trailer */
  constructor(
    settings: InstanceSettings,
    expected: Authentication | undefined,
    nowSec: () => number = () => Date.now() / 1000,
  ) {
    this.#settings = settings;
    this.#expected = expected;
    this.#advertised = settings.addresses;
    this.#nowSec = nowSec;
  }

  /** @param source the address that our own packets have */
  check(packet: ReceivedPacket, source: string): Accepted | DropReason {
    const { version, advertMs } = this.#settings;
    const refusal = this.#checkSender(packet, source);
    if (refusal !== undefined) return refusal;
    const decoded = decode(packet.payload, packet);
    if (typeof decoded === "string") return decoded;
    const { advertisement, checksumForm, trailer } = decoded;
    if (advertisement.version !== version) return "version_err";
    const unauthentic =
      this.#checkPassword(advertisement.authentication) ?? this.#checkTrailer(packet, trailer);
    if (unauthentic !== undefined) return unauthentic;
    const intervalMs = advertisement.intervalCs * 10;
    if (version === 2 ? intervalMs !== advertMs : intervalMs === 0) return "advert_interval_err";
    if (advertisement.addresses.length === 0 && this.#advertised.length > 0) return "no_addresses";
    return { advertisement, checksumForm, hasOtherAddresses: this.#differs(advertisement.addresses) };
  }

  #checkSender({ source, hopLimit, isMulticast }: ReceivedPacket, own: string): DropReason | undefined {
    const { unicast } = this.#settings;
    if (isMulticast !== (unicast === undefined)) return "mcast_mode_err";
    if (source === own) return "own_address";
    if (unicast === undefined) return hopLimit === FULL_TTL ? undefined : "ip_ttl_err";
    const peer = unicast.peers.find(({ address }) => address === source);
    if (peer === undefined) return "unlisted_peer";
    const { minTtl = 0, maxTtl = FULL_TTL } = peer;
    return hopLimit >= minTtl && hopLimit <= maxTtl ? undefined : "ip_ttl_err";
  }

  #checkPassword(found: Authentication | undefined): DropReason | undefined {
    if (found === undefined) return undefined;
    if (found.type !== 0 && found.type !== 1) return "invalid_authtype";
    if (found.type !== (this.#expected?.type ?? 0)) return "authtype_mismatch";
    if (this.#expected === undefined) return undefined;
    return timingSafeEqual(found.data, this.#expected.data) ? undefined : "auth_failure";
  }

  #checkTrailer(packet: ReceivedPacket, trailer: Uint8Array | undefined): DropReason | undefined {
    const { hmac } = this.#settings;
    if (hmac === undefined) return trailer === undefined ? undefined : "packet_len_err";
    if (trailer === undefined) return hmac.mode === "enforce" ? "auth_ext_missing" : undefined;
    const message = packet.payload.subarray(0, packet.payload.length - trailer.length);
    const sequence = verifyTrailer(message, packet.source, trailer, hmac.keys as HmacKeys);
    if (typeof sequence === "string") return sequence;
    if (Math.abs(sequence.seconds - this.#nowSec()) > hmac.windowMs / 1000) return "auth_ext_stale";
    const last = this.#sequences.get(packet.source);
    if (last !== undefined && !isLater(sequence, last)) return "auth_ext_replay";
    if (last === undefined && this.#sequences.size >= MAX_SENDERS) this.#sequences.clear();
    this.#sequences.set(packet.source, sequence);
    return undefined;
  }

  #differs(addresses: readonly string[]): boolean {
    return (
      addresses.length !== this.#advertised.length ||
      this.#advertised.some((address) => !addresses.includes(address))
    );
  }
}
