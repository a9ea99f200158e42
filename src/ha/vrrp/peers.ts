/** Who was heard on a virtual router, accepted or refused. Bounded: a stranger who invents senders costs no memory. */
import type { ChecksumForm } from "./checksum.js";
import type { DropReason } from "./drop-reasons.js";

/** A sender as it was heard last. */
export interface PeerStatus {
  readonly source: string;
  /** Of the last accepted advertisement; absent: none was accepted. */
  readonly priority?: number;
  readonly intervalMs?: number;
  readonly checksumForm?: ChecksumForm;
  /** ISO 8601; of the last accepted advertisement. */
  readonly lastAdvertisement?: string;
  /** What is refused of it now; absent since an advertisement was accepted. */
  readonly rejected?: { readonly reason: DropReason; readonly packets: number; readonly last: string };
}

const MAX_PEERS = 32;

/** The senders of one virtual router, the most recent ones. */
export class Peers {
  readonly #peers = new Map<string, PeerStatus>();

  /** @returns what was known of the sender before */
  accepted(
    source: string,
    heard: Required<Pick<PeerStatus, "priority" | "intervalMs" | "checksumForm">>,
  ): PeerStatus | undefined {
    const before = this.#peers.get(source);
    this.#keep({ source, ...heard, lastAdvertisement: new Date().toISOString() });
    return before;
  }

  rejected(source: string, reason: DropReason): void {
    const before = this.#peers.get(source) ?? { source };
    const packets = before.rejected?.reason === reason ? before.rejected.packets + 1 : 1;
    this.#keep({ ...before, rejected: { reason, packets, last: new Date().toISOString() } });
  }

  statuses(): PeerStatus[] {
    return [...this.#peers.values()];
  }

  #keep(peer: PeerStatus): void {
    this.#peers.delete(peer.source);
    if (this.#peers.size >= MAX_PEERS) {
      const [oldest] = this.#peers.keys();
      this.#peers.delete(oldest);
    }
    this.#peers.set(peer.source, peer);
  }
}
