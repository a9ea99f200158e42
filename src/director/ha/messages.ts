/** What the primary and its thread for high availability say to one another. */
import type { LogConfig } from "../../config/config.js";
import type { PlainError } from "../../core/errors.js";
import type { HaSettings } from "../../core/ha-settings.js";
import type { HaChoice, HaStatus } from "../../core/ha-status.js";
import type { HandoverWord, RouterStanding } from "../../ha/handover.js";

/** How a virtual service is, for those that track it. */
export type ServiceState = "up" | "down";

/** What the thread begins with. */
export interface HaThreadData {
  readonly log: LogConfig;
  /** Path of the note of the addresses that are held. */
  readonly note: string;
}

/** Requests by their names. */
export interface HaRequests {
  /** Becomes what the configuration says; the first time it starts. */
  readonly configure: { readonly takes: HaSettings; readonly gives: readonly string[] };
  readonly status: { readonly takes: null; readonly gives: Omit<HaStatus, "isConfigured"> };
  readonly standby: { readonly takes: HaChoice; readonly gives: null };
  readonly takeover: { readonly takes: HaChoice; readonly gives: null };
  readonly clear: { readonly takes: HaChoice; readonly gives: null };
  readonly services: { readonly takes: Readonly<Record<string, ServiceState>>; readonly gives: null };
  /** A peer was master, and has left. */
  readonly handedOver: { readonly takes: HandoverWord; readonly gives: null };
  /** Leaves politely. */
  readonly stop: { readonly takes: null; readonly gives: null };
}

export type HaRequestName = keyof HaRequests;

/** What the thread says without being asked. */
export type HaNews =
  /** How this director's virtual routers stand, whenever that has changed. */
  | { readonly routers: readonly RouterStanding[] }
  /** This director was master, and has left: the peers may be told. */
  | { readonly left: HandoverWord };

/** One request. */
export interface HaRequestMessage {
  readonly id: number;
  readonly request: HaRequestName;
  readonly argument: HaRequests[HaRequestName]["takes"];
}

/** Its answer. */
export type HaAnswerMessage =
  | { readonly id: number; readonly value: HaRequests[HaRequestName]["gives"] }
  | { readonly id: number; readonly error: PlainError };
