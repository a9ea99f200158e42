/**
 * The data plane: takes connections from listening sockets, asks the Dispatcher where they go, and carries their bytes.
 * Two implementations with one behaviour: `native/` (a blocking epoll loop per thread, system calls through an FFI) and
 * `net/` (node:net in the forwarder's main thread).
 *
 * A plane is told what to do by commands (plain objects, so that they cross to a thread) and says what happened by
 * events. All that changes often (realservers, weights, time-outs) it reads from shared memory instead.
 */
import type { Dispatcher } from "./dispatcher.js";
import type { PlaneMemory } from "./memory.js";
import type { RecordRing } from "./records.js";

/** What a plane can be told. */
export type PlaneCommand =
  | {
      /** Accepts connections of this service from now on. */
      readonly op: "listen";
      readonly listener: ListenerSpec;
    }
  | {
      /** Takes the connections that are queued already, then closes the plane's copy of the socket. */
      readonly op: "unlisten";
      readonly listener: number;
    }
  | {
      /** As `unlisten` for all; says `drained` once no connection is left. */
      readonly op: "drain";
    }
  | ({
      /** Resets the connections that the filter names; with a ticket, says `killed` when it is done. */
      readonly op: "kill";
      readonly ticket?: number;
    } & ConnectionFilter)
  | ({
      /** Says `listed` with the connections that the filter names. */
      readonly op: "list";
      readonly ticket: number;
      /** UDP flows alone. */
      readonly isOfFlows?: true;
    } & ConnectionFilter)
  | {
      /** Resets what is left, closes everything and ends: `run` returns, or `stopped` is said. */
      readonly op: "stop";
    };

/** Which connections are meant: those that agree with all that is given; nothing given: all. */
export interface ConnectionFilter {
  /** Service slot. */
  readonly service?: number;
  /** Realserver slot. */
  readonly server?: number;
  /** The client's address. */
  readonly client?: { readonly family: number; readonly words: readonly [number, number, number, number] };
}

/** A listening socket and the service it belongs to. */
export interface ListenerSpec {
  /** Number that the forwarder gives; unique in its life. */
  readonly id: number;
  /** Service slot. */
  readonly service: number;
  /** A UDP socket is bound only; its thread alone receives what a client sends, as the kernel spreads by both addresses. */
  readonly transport: "tcp" | "udp";
  readonly family: 4 | 6;
  /** The address listened on, four words; all 0 means any, then what each client spoke to is asked for, address and port. */
  readonly address: readonly [number, number, number, number];
  readonly port: number;
  /** Descriptor in this process; the plane owns it from now on. Non-blocking, listening. */
  readonly fd: number;
  /**
   * Net plane only, instead of `fd`: a handle as `net.Server.listen` takes it, such as Node's IPC hands to a process.
   * It does not cross to a thread.
   */
  readonly handle?: object;
}

/** What a plane says. */
export type PlaneEvent =
  | { readonly event: "ready"; readonly thread: number }
  /** The plane's copy of the socket is closed; not said after `drain` and `stop`. */
  | { readonly event: "unlistened"; readonly thread: number; readonly listener: number }
  | { readonly event: "drained"; readonly thread: number }
  | { readonly event: "stopped"; readonly thread: number }
  | { readonly event: "killed"; readonly thread: number; readonly ticket: number; readonly count: number }
  /** Rows of connection-rows.ts, one after another. */
  | {
      readonly event: "listed";
      readonly thread: number;
      readonly ticket: number;
      readonly rows: Float64Array;
    }
  /**
   * Net plane only: accepting was paused at the connection limit, its copy of the socket is closed, and it wants another
   * one by a `listen` command (libuv cannot pause a listening socket).
   */
  | { readonly event: "wantListener"; readonly thread: number; readonly listener: number }
  /** Something that an operator should know; at most one a second and kind. */
  | { readonly event: "trouble"; readonly thread: number; readonly code: string; readonly message: string };

/** What every plane is constructed with. */
export interface PlaneOptions {
  /** 0 to memory.threads - 1: the row of the counters that this plane writes. */
  readonly thread: number;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly records: RecordRing;
  readonly notify: (event: PlaneEvent) => void;
}
