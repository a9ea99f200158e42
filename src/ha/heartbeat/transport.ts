/** The seam between a cluster and its links. */
import type { LinkSettings } from "./settings.js";

/** What a link tells. */
export interface LinkListener {
  onDatagram(datagram: Uint8Array, source: string): void;
  /** Something is wrong with it, in words; `key` names the kind. */
  onTrouble(key: string, words: string): void;
}

/** One link. None of its methods throws. */
export interface Link {
  /** For people: `ucast eth1`. */
  readonly name: string;
  /** Why it cannot be used now; undefined: it can. */
  readonly trouble: string | undefined;
  /** Address that it sends from; undefined while it cannot. */
  readonly source: string | undefined;
  /** Where it sends to now. */
  readonly destinations: readonly string[];
  /** Sends a datagram to everybody on it. */
  send(datagram: Uint8Array): void;
  /** The interfaces have changed: looks again. */
  refresh(): void;
  close(): void;
}

/** Makes a link; it listens as soon as its interface allows. */
export type OpenLink = (settings: LinkSettings, port: number, listener: LinkListener) => Link;
