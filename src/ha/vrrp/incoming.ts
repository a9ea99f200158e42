/**
 * The packets that arrive for an instance: checked, counted, told. A packet that is refused changes a counter here and
 * nothing else anywhere.
 */
import type { Logger } from "../../core/logger.js";
import type { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import type { Authentication } from "./codec.js";
import { PRIORITY_LEAVING } from "./codec.js";
import type { Counters } from "./counters.js";
import { DROP_REASONS } from "./drop-reasons.js";
import type { HeardAdvert } from "./election.js";
import { type PeerStatus, Peers } from "./peers.js";
import { type Accepted, Receiver } from "./receive.js";
import type { InstanceSettings } from "./settings.js";
import type { ReceivedPacket } from "./transport.js";

/** What is told and counted with. */
export interface IncomingParts {
  readonly counters: Counters;
  readonly warnings: Pick<RateLimitedLog, "warn">;
  readonly logger: Pick<Logger, "warn">;
}

/** See the file's head. */
export class Incoming {
  readonly #settings: InstanceSettings;
  readonly #parts: IncomingParts;
  readonly #receiver: Receiver;
  readonly #peers = new Peers();

  constructor(settings: InstanceSettings, authentication: Authentication | undefined, parts: IncomingParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#receiver = new Receiver(settings, authentication);
  }

  /** Everybody who was heard. */
  peers(): PeerStatus[] {
    return this.#peers.statuses();
  }

  /**
   * Looks at a packet.
   * @param own the address that our own packets have
   * @returns what the election wants to know; undefined where the packet is dropped
   */
  accept(packet: ReceivedPacket, own: string): HeardAdvert | undefined {
    const { counters } = this.#parts;
    const { source } = packet;
    const checked = this.#receiver.check(packet, own);
    if (typeof checked === "string") {
      counters[checked]++;
      this.#peers.rejected(source, checked);
      this.#warn(checked, `dropped an advertisement of ${source}: ${DROP_REASONS[checked]}`);
      return undefined;
    }
    const { priority, intervalCs } = checked.advertisement;
    const intervalMs = intervalCs * 10;
    counters.advert_rcvd++;
    if (priority === PRIORITY_LEAVING) counters.pri_zero_rcvd++;
    const before = this.#peers.accepted(source, { priority, intervalMs, checksumForm: checked.checksumForm });
    this.#tellDifferences(source, checked, before);
    return { source, priority, intervalMs };
  }

  /** What works and is unwise all the same. */
  #tellDifferences(source: string, accepted: Accepted, before: PeerStatus | undefined): void {
    const { advertisement, checksumForm, hasOtherAddresses } = accepted;
    const { addresses, checksum = "pseudo-header", version } = this.#settings;
    if (hasOtherAddresses) {
      this.#parts.counters.addr_list_err++;
      const theirs = advertisement.addresses.join(" ");
      this.#warn(
        "addr_list_err",
        `${source} advertises ${theirs}, configured here is ${addresses.join(" ")}`,
      );
    }
    if (version === 3 && checksumForm !== checksum && before?.checksumForm !== checksumForm) {
      this.#parts.logger.warn(
        { peer: source },
        `vrrp ${this.#settings.name}: ${source} makes checksums of the form ${checksumForm}, we ${checksum}`,
      );
    }
  }

  #warn(reason: string, message: string): void {
    const { name } = this.#settings;
    this.#parts.warnings.warn(reason, () => ({ fields: { reason }, message: `vrrp ${name}: ${message}` }));
  }
}
