/** What alerts tell: mon's arguments, environment and standard input (reference §3.5, §3.8), and JSON for webhooks. */
import type { Endpoint } from "../core/address.js";
import { realserverKey, type ServiceId, serviceKey } from "../core/model.js";

/** Something that people or programs are told of. Times are wall clock, milliseconds since 1970. */
export interface AlertEvent {
  /** `down` repeats while it is down; the quorum events have no realserver and no check. */
  readonly type: "down" | "up" | "quorum-down" | "quorum-up";
  readonly service: ServiceId;
  readonly realserver?: Endpoint;
  /** Kind of the check, as mon's service name. */
  readonly check?: string;
  readonly oldState: string;
  readonly newState: string;
  /** In words, safe to show. */
  readonly reason: string;
  /** Of the check that failed last, the summary on the first line: standard input of programs. Unescaped. */
  readonly output: string;
  readonly atMs: number;
  /** Times of the check's results. */
  readonly firstFailureMs?: number;
  readonly lastFailureMs?: number;
  readonly firstSuccessMs?: number;
  readonly lastSuccessMs?: number;
  /** Least time to the next call. */
  readonly nextMs?: number;
}

/** Longest value of an environment variable that holds foreign text. */
const LONGEST_VALUE = 4096;

/** Arguments of an alert program: mon's, then those of the alert line. Hooks of the quorum get their own only, as keepalived's. */
export function alertArguments(event: AlertEvent, own: readonly string[]): string[] {
  if (event.check === undefined) return [...own];
  const next = event.nextMs === undefined ? [] : ["-l", String(Math.ceil(event.nextMs / 1000))];
  return [
    "-s",
    event.check,
    "-g",
    serviceKey(event.service),
    "-h",
    event.realserver?.address ?? "",
    "-t",
    String(seconds(event.atMs)),
    ...next,
    ...(isUp(event) ? ["-u"] : []),
    ...own,
  ];
}

/** Environment of an alert program: mon's and uvs's names, a PATH, and what the alert line adds. */
export function alertEnvironment(
  event: AlertEvent,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { service, realserver, check, oldState, newState, reason, output } = event;
  const times = {
    MON_FIRST_FAILURE: event.firstFailureMs,
    MON_LAST_FAILURE: event.lastFailureMs,
    MON_FIRST_SUCCESS: event.firstSuccessMs,
    MON_LAST_SUCCESS: event.lastSuccessMs,
  };
  const given: Record<string, string | undefined> = {
    PATH: process.env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: process.env["LANG"],
    TZ: process.env["TZ"],
    MON_GROUP: serviceKey(service),
    MON_SERVICE: check ?? "quorum",
    MON_DESCRIPTION: realserver
      ? `${realserverKey(realserver)} of ${serviceKey(service)}`
      : serviceKey(service),
    MON_LAST_SUMMARY: output.split("\n", 1)[0],
    MON_LAST_OUTPUT: output,
    MON_RETVAL: isUp(event) ? "0" : "1",
    MON_OPSTATUS: isUp(event) ? "1" : "0",
    MON_ALERTTYPE: isUp(event) ? "up" : "failure",
    ...Object.fromEntries(
      Object.entries(times).map(([name, ms]) => [name, String(ms === undefined ? 0 : seconds(ms))]),
    ),
    UVS_EVENT: event.type,
    UVS_SERVICE: serviceKey(service),
    UVS_REALSERVER: realserver && realserverKey(realserver),
    UVS_REALSERVER_ADDRESS: realserver?.address,
    UVS_REALSERVER_PORT: realserver && String(realserver.port),
    UVS_CHECK: check,
    UVS_OLD_STATE: oldState,
    UVS_NEW_STATE: newState,
    UVS_REASON: reason,
    ...own,
  };
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    // A NUL cannot be in an environment.
    if (value !== undefined) environment[name] = value.slice(0, LONGEST_VALUE).replaceAll("\0", "");
  }
  return environment;
}

/** The body of a webhook. */
export function alertJson(event: AlertEvent, director: string): string {
  const { type, service, realserver, check, oldState, newState, reason, atMs } = event;
  return JSON.stringify({
    event: type,
    service: serviceKey(service),
    realserver: realserver ? realserverKey(realserver) : null,
    check: check ?? null,
    oldState,
    newState,
    reason,
    time: new Date(atMs).toISOString(),
    director,
  });
}

/** What order of calls is kept within: a check of a realserver, or the quorum of a service. */
export function alertSubject({ service, realserver, check }: AlertEvent): string {
  return JSON.stringify([serviceKey(service), realserver && realserverKey(realserver), check]);
}

function isUp({ type }: AlertEvent): boolean {
  return type === "up" || type === "quorum-up";
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
