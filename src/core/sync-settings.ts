/** Replication between directors as it is configured and as it is shown: plain objects, times as ISO 8601 text. */
import type { Endpoint } from "./address.js";

/** What `ha.sync.tls` says: files in PEM, absolute paths. */
export interface SyncTlsSettings {
  /** This director's certificate, and those between it and the authority, if there are any. */
  readonly certificate: string;
  /** Its private key, without a passphrase. */
  readonly key: string;
  /** The authorities that issue the peers' certificates. */
  readonly ca: string;
  /** Names or addresses of which a peer's certificate must have one. @default any certificate of the authorities */
  readonly names?: readonly string[];
}

/** What `ha.sync` says. */
export interface SyncSettings {
  /** What this director is called among its peers; each has its own name. @default the name of the host */
  readonly node?: string;
  readonly listen: Endpoint;
  /** Where the other directors listen. */
  readonly peers: readonly Endpoint[];
  /** File with the key that all of them have; mode 0600. */
  readonly keyFile: string;
  /** @default messages are authenticated, but not encrypted */
  readonly tls?: SyncTlsSettings;
}

/** A peer that this director learns from. */
export interface SyncSourceStatus {
  /** Where it is. */
  readonly address: string;
  /** What it is called, once it has been reached. */
  readonly node?: string;
  readonly state: "connected" | "connecting" | "waiting";
  readonly since: string;
  /** Why the last connection ended or did not come about. */
  readonly lastFailure?: string;
  /** Templates received, each as often as it was. */
  readonly received: number;
}

/** A peer that learns from this director. */
export interface SyncReceiverStatus {
  readonly node: string;
  readonly address: string;
  readonly since: string;
  /** Templates sent, each as often as it was. */
  readonly sent: number;
  /** Times that everything was sent. */
  readonly full: number;
  /** Whether it has confirmed all that was sent. */
  readonly isCurrent: boolean;
  /** Messages with templates that it has not confirmed; few, since no more are made meanwhile. */
  readonly unconfirmed: number;
  /** Bytes that wait for it to take them. */
  readonly queuedBytes: number;
}

/** The certificate that this director shows its peers. */
export interface SyncTlsStatus {
  readonly subject: string;
  readonly expires: string;
}

/** Replication as it is now. */
export interface SyncStatus {
  readonly node: string;
  readonly listen: string;
  /** Why peers cannot connect; absent: they can. */
  readonly listenFailure?: string;
  /** Absent: the links are not encrypted. */
  readonly tls?: SyncTlsStatus;
  readonly sources: readonly SyncSourceStatus[];
  readonly receivers: readonly SyncReceiverStatus[];
  readonly counters: Readonly<Record<string, number>>;
}
