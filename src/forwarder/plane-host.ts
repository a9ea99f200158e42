/**
 * Where the data plane runs: in threads of its own (native), or in the forwarder's main thread (net). The forwarder
 * speaks to either through this interface.
 */
import type { BalancerColumns } from "../balancer/columns.js";
import type { PlaneCommand, PlaneEvent } from "../dataplane/dataplane.js";
import type { PlaneMemory } from "../dataplane/memory.js";
import type { RecordRing } from "../dataplane/records.js";

/** A listening socket as it came over IPC: Node's handle object, of which only the descriptor is used. */
export interface SocketHandle {
  readonly fd: number;
  close(): void;
}

/** What a host is constructed with. */
export interface HostOptions {
  readonly columns: BalancerColumns;
  readonly memory: PlaneMemory;
  /** One ring a thread. */
  readonly rings: readonly RecordRing[];
  readonly onEvent: (event: PlaneEvent) => void;
  /** A thread ended although it was not told to: the generation cannot go on. */
  readonly onFailure: (error: Error) => void;
}

/** Runs the planes of one forwarder. */
export interface PlaneHost {
  /** Resolves when all planes are ready for commands. */
  start(): Promise<void>;
  /** @param handle the listening socket that comes with a `listen` command; the host closes it when it is done */
  command(thread: number, command: PlaneCommand, handle?: SocketHandle): void;
  /** Stops all planes; resolves when they have ended. */
  stop(): Promise<void>;
}
