/**
 * What a director knows of a protocol that shares floating addresses: VRRP, heartbeat. Each is one class that is made with
 * its settings and these parts, on a thread of its own; none of its methods but `start` and `stop` waits for anything.
 */
import type { HaChoice, HaProtocolName, HaProtocolStatus, HaState } from "../core/ha-status.js";
import type { Logger } from "../core/logger.js";
import type { HandoverWord } from "./handover.js";
import type { Interfaces } from "./links/interfaces.js";
import type { RawSockets } from "./raw-sockets.js";
import type { HeldNote } from "./resources/held-note.js";
import type { Timers } from "./timers.js";
import type { TrackedState } from "./tracking/tracking.js";

/** Something that others may want to know; logged and counted where it happens. */
export type HaEvent =
  | {
      readonly kind: "transition";
      readonly instance: string;
      readonly from: HaState;
      readonly to: HaState;
      readonly reason: string;
      readonly priority: number;
    }
  /** A second master was heard, and this one stays. */
  | {
      readonly kind: "conflict";
      readonly instance: string;
      readonly source: string;
      readonly priority: number;
    }
  /** This director was master, has given its addresses up and said so: a peer may go on at once. */
  | ({ readonly kind: "left"; readonly instance: string } & HandoverWord)
  /** This director stood still for so long that another may have taken over. */
  | { readonly kind: "stalled"; readonly instance: string; readonly lateMs: number }
  /** Another director of a heartbeat cluster came or went. */
  | {
      readonly kind: "node";
      readonly node: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
    }
  | {
      readonly kind: "quorum";
      readonly hasQuorum: boolean;
      readonly members: number;
      readonly nodes: number;
    }
  /** A director that was lost was fenced, or could not be; then nothing that it may hold is taken. */
  | {
      readonly kind: "fencing";
      /** Of VRRP: the virtual router that waits for it. */
      readonly instance?: string;
      readonly node: string;
      readonly isDone: boolean;
      readonly reason: string;
      readonly attempt: number;
    };

/** What a protocol is made of. All protocols of a director share one note. */
export interface HaParts {
  readonly timers: Timers;
  readonly raw: RawSockets;
  readonly interfaces: Interfaces;
  readonly note: HeldNote;
  readonly logger: Logger;
  readonly onEvent?: (event: HaEvent) => void;
  /** Told whenever the peers were told that this director lives. */
  readonly onAlive?: () => void;
}

/** A packet that tells the peers, once this director is dead, that it has left. */
export interface Farewell {
  readonly family: 4 | 6;
  readonly interface: string;
  /** The address that it is sent from. */
  readonly source: string;
  readonly destination: string;
  /** UDP port that it is sent to; absent: it is a packet of protocol 112. */
  readonly port?: number;
  /** TTL or hop limit of a packet of protocol 112. @default 255 */
  readonly ttl?: number;
  readonly message: Uint8Array;
}

/** See the file's head. @typeParam Settings of this protocol */
export interface HaProtocol<Settings> {
  readonly protocol: HaProtocolName;
  /**
   * Removes what an earlier process has left, and takes part.
   * @throws UvsError PERMISSION or SYSCALL where sockets cannot be opened
   */
  start(): Promise<void>;
  /** Leaves politely: settles when no address is held any more and the peers were told. */
  stop(): Promise<void>;
  /**
   * Becomes what other settings say. What is the same in both goes on undisturbed.
   * @returns what was changed, one line each
   * @throws UvsError INVALID, nothing is changed then
   */
  reload(settings: Settings): Promise<readonly string[]>;
  status(): HaProtocolStatus;
  /**
   * Another director is to be master: leaves in order and stays away until `takeover` or `clear`.
   * @throws UvsError NO_INSTANCE, or INVALID where the protocol does not know such a choice
   */
  standby(choice: HaChoice): void;
  /** This director is to be master now; ends `standby`. @throws UvsError as `standby` */
  takeover(choice: HaChoice): void;
  /** Ends `standby` and forgets failures of resources: takes part again as it was configured. @throws as `standby` */
  clear(choice: HaChoice): void;
  /**
   * A peer says that it was master of a virtual router and has left: whoever stands ready takes over without waiting.
   * Absent where a protocol has words of its own for that.
   */
  handedOver?(word: HandoverWord): void;
  /** Says how a virtual service is. @param key such as `tcp://10.0.0.1:80` */
  setService(key: string, state: TrackedState): void;
  /**
   * What is to be sent in its place if this process dies now. Asked for when an address was taken or given up, and again
   * every few seconds, because what is signed carries the time.
   */
  farewells(): readonly Farewell[];
  /**
   * How long after the peers were told so they still believe, all of them, that this director lives: whoever holds something
   * and was silent for longer may have been replaced.
   * @returns milliseconds; undefined where nothing is held
   */
  silenceMs(): number | undefined;
}
