/**
 * What the primary and a forwarder say to one another over the cluster's IPC channel, as JSON. Every request is answered
 * once; events come unasked. A listening socket travels as the handle beside its `listen` request.
 */
import type { ControlledTemplates } from "../balancer/template-feed.js";
import type { TemplateBatch, TemplatePosition } from "../balancer/template-stream.js";
import type { Endpoint } from "../core/address.js";
import type { PlainError } from "../core/errors.js";
import type {
  ConnectionChoice,
  ConnectionTimeouts,
  Realserver,
  ServiceId,
  ServiceSettings,
  VirtualService,
} from "../core/model.js";
import type { ForwarderStatus, LiveConnection, TemplateStatus } from "../core/status.js";
import type { SysctlValues } from "../core/sysctls.js";
import type { FiguresReport, FiguresRequest } from "./figures.js";
import type { FlowBatch, FlowPage } from "./flow-exchange.js";
import type { ServiceRows } from "./status-rows.js";

/** Everything that a generation is made of; sent once, first. */
export interface ForwarderConfig {
  readonly generation: number;
  readonly dataplane: "native" | "net";
  readonly threads: number;
  /** Capacities of the columns. */
  readonly maxServices: number;
  readonly maxRealservers: number;
  /** Client connections at once; 0: as many as the descriptor limit allows. */
  readonly maxConnections: number;
  /** UDP flows at once; 0: a quarter of what the descriptor limit allows. */
  readonly maxFlows: number;
  /** Persistence templates at once. */
  readonly maxTemplates: number;
  /** SO_MARK of transparent sockets. */
  readonly transparentMark: number;
  readonly timeouts: ConnectionTimeouts;
  readonly sysctls: SysctlValues;
  readonly services: readonly VirtualService[];
  readonly log: { readonly level: string; readonly format: "auto" | "pretty" | "json" };
  /** Absent: no access log. A path, or "stdout". */
  readonly accessLog?: { readonly file: string };
}

/** A socket to accept from; an endpoint with port 0 takes any port. `thread` is the data plane thread that it is meant for. */
export interface ListenRequest {
  /** The socket's key; one that is listened on already changes to this service. */
  readonly key: string;
  readonly serviceId: ServiceId;
  readonly thread: number;
  readonly transport: "tcp" | "udp";
  readonly endpoint: Endpoint;
}

/** Templates of a peer; it is right about those that were used here and there at the same time, or is not. */
export interface MergeRequest {
  readonly batch: TemplateBatch;
  readonly winsTies: boolean;
}

/** Requests by name: what they take and what the answer is. */
export interface ForwarderRequests {
  configure: { takes: ForwarderConfig; gives: null };
  listen: { takes: ListenRequest; gives: null };
  /** Takes no more connections from the socket of this key; answered when the planes have closed their copies. */
  unlisten: { takes: string; gives: null };
  addService: { takes: VirtualService; gives: null };
  editService: { takes: { id: ServiceId; settings: ServiceSettings }; gives: null };
  deleteService: { takes: ServiceId; gives: null };
  addRealserver: { takes: { id: ServiceId; server: Realserver }; gives: null };
  editRealserver: { takes: { id: ServiceId; server: Realserver }; gives: null };
  deleteRealserver: { takes: { id: ServiceId; server: Endpoint }; gives: null };
  /** Changes within services, in order; those of one service that follow one another happen at one instant. */
  together: { takes: readonly WithinService[]; gives: null };
  setTimeouts: { takes: ConnectionTimeouts; gives: null };
  setSysctls: { takes: SysctlValues; gives: null };
  connections: { takes: ConnectionChoice; gives: readonly LiveConnection[] };
  killConnections: { takes: ConnectionChoice; gives: number };
  /** Templates that agree with the choice. */
  templates: { takes: ConnectionChoice; gives: readonly TemplateStatus[] };
  /** What has changed among the templates since a position. */
  templateChanges: { takes: TemplatePosition; gives: TemplateBatch };
  /** Takes templates that another table knew; the connections that held them are gone. */
  seedTemplates: { takes: TemplateBatch; gives: null };
  /** Templates that this generation's connections control, from a row on; 1 is the first. */
  controlledTemplates: { takes: number; gives: ControlledTemplates };
  /** Connections of an older generation control these templates. */
  holdTemplates: { takes: TemplateBatch; gives: null };
  /** Takes templates that a peer tells of. */
  mergeTemplates: { takes: MergeRequest; gives: null };
  /** Removes all templates. @returns how many */
  flushTemplates: { takes: null; gives: number };
  /** UDP flows that this generation carries, from page 0 on. */
  flows: { takes: number; gives: FlowPage };
  /** Takes UDP flows of an older generation: clients that speak on come to the realserver that they had. */
  resumeFlows: { takes: FlowBatch; gives: null };
  zero: { takes: ServiceId | null; gives: null };
  /** All services, or the one. */
  status: { takes: ServiceId | null; gives: ForwarderReport };
  figures: { takes: FiguresRequest; gives: FiguresReport };
  /** What connections said of realservers since the last such request. */
  passive: { takes: null; gives: PassiveReport };
  /** Stop accepting; the answer comes when no connection is left, or when `graceMs` has passed and the rest was reset. */
  drain: { takes: { graceMs: number }; gives: { reset: number } };
  reopenLogs: { takes: null; gives: null };
}
export type RequestName = keyof ForwarderRequests;

/** Requests that change something within one service. */
export const WITHIN_SERVICE = [
  "editService",
  "addRealserver",
  "editRealserver",
  "deleteRealserver",
] as const satisfies readonly RequestName[];

/** Such a request and its argument. */
export type WithinService = {
  [Name in (typeof WITHIN_SERVICE)[number]]: {
    readonly request: Name;
    readonly argument: ForwarderRequests[Name]["takes"];
  };
}[(typeof WITHIN_SERVICE)[number]];

/** What a forwarder says of itself. */
export interface ForwarderReport {
  readonly forwarder: ForwarderStatus;
  readonly services: readonly ServiceRows[];
}

/** By service key, and in it by realserver key: connections that failed, and that went well. */
export type PassiveReport = Readonly<
  Record<string, Readonly<Record<string, readonly [failures: number, successes: number]>>>
>;

/** From the primary to a forwarder. */
export interface RequestMessage {
  readonly id: number;
  readonly request: RequestName;
  readonly argument: unknown;
}

/** From a forwarder to the primary. */
export type ForwarderMessage =
  /** The process is up and waits for `configure`. */
  | { readonly event: "hello" }
  /** The net plane closed its copy of a socket while it was full, and wants another one. */
  | { readonly event: "wantListener"; readonly listen: ListenRequest }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: PlainError };
