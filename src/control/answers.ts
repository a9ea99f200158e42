/**
 * What the control API answers, as schemas: the OpenAPI document is made of them, and tests hold what a running server
 * answers against that. Each is tied to the type that it describes, so that a field which is added there is added here.
 */
import { z } from "zod";
import { ERROR_CODES, type ErrorCode, type PlainError } from "../core/errors.js";
import type { ConnectionTimeouts, SyncDaemon } from "../core/model.js";
import type {
  ConnectionStatus,
  DirectorStatus,
  DurationSummary,
  ForwarderStatus,
  LiveConnection,
  RealserverStatus,
  ServiceStatus,
  TemplateStatus,
  TrafficTotals,
} from "../core/status.js";
import type { SysctlValues } from "../core/sysctls.js";
import type { ErrorAnswer } from "./http-error.js";
import {
  endpointModel,
  portOrZero,
  protocolModel,
  realserverModel,
  type Shape,
  serviceIdModel,
  settingsModel,
  sysctlsModel,
  timeoutsModel,
} from "./model-schemas.js";
import type { ReloadReport } from "./operations.js";

export { configAnswer } from "./config-schema.js";

const count = z.int().min(0);
/** Milliseconds or seconds with fractions. */
const duration = z.number().min(0);
const time = z.iso.datetime();
const errorCode = z.enum(Object.keys(ERROR_CODES) as ErrorCode[]);

const plainError: z.ZodType<PlainError> = z
  .strictObject({
    code: errorCode,
    message: z.string(),
    side: z.enum(["client", "realserver", "director", "config", "system"]),
    retryable: z.boolean(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: "Error", description: "A refusal; docs/errors.md lists the codes." });

/** The body of every answer that is not a success. */
export const errorAnswer: z.ZodType<ErrorAnswer> = z
  .strictObject({ error: plainError })
  .meta({ id: "ErrorAnswer" });

const traffic: z.ZodType<TrafficTotals> = z
  .strictObject({
    connections: count,
    inPackets: count,
    outPackets: count,
    inBytes: count,
    outBytes: count,
  })
  .meta({ id: "Traffic", description: "Totals, or rates per second. `in` is from clients to realservers." });

const durations: z.ZodType<DurationSummary> = z
  .strictObject({ count, p50Ms: duration, p99Ms: duration, maxMs: duration })
  .meta({ id: "Durations", description: "Percentiles in milliseconds; count 0: there were none." });

const realserver: z.ZodType<RealserverStatus> = z
  .strictObject({
    ...realserverModel.shape,
    active: count,
    inactive: count,
    persistent: count,
    overloaded: z.boolean(),
    drain: z
      .strictObject({ since: time, deadline: time.optional(), weight: count })
      .meta({ id: "Drain", description: "Being drained; undrain gives it this weight." })
      .optional(),
    health: z
      .strictObject({
        state: z.enum(["up", "down", "unknown", "drain", "maint", "ejected", "half-open"]),
        since: time,
        reason: z.string(),
        weight: count,
      })
      .meta({ id: "HealthSummary", description: "What checks say; weight is the one in effect." })
      .optional(),
    totals: traffic,
    rates: traffic,
    connectTime: durations,
    sessionTime: durations,
  } satisfies Shape<RealserverStatus>)
  .meta({ id: "RealserverStatus" });

/** One service. */
export const serviceAnswer: z.ZodType<ServiceStatus> = z
  .strictObject({
    id: serviceIdModel,
    key: z.string(),
    settings: settingsModel,
    connections: count,
    totals: traffic,
    rates: traffic,
    realservers: z.array(realserver).describe("Newest first."),
    leaving: z.array(realserver).describe("Deleted ones that still have connections."),
  } satisfies Shape<ServiceStatus>)
  .meta({ id: "ServiceStatus" });

/** A listing for people. */
export const listingAnswer = z.strictObject({ text: z.string() });

export const servicesAnswer = z.strictObject({ services: z.array(serviceAnswer) });

/** Connection time-outs. */
export const timeoutsAnswer: z.ZodType<ConnectionTimeouts> = timeoutsModel;

const forwarder: z.ZodType<ForwarderStatus> = z
  .strictObject({
    generation: count,
    pid: count,
    dataplane: z.enum(["native", "net"]),
    threads: count,
    state: z.enum(["starting", "serving", "draining"]),
    startedAt: time,
    connectionsPerThread: z.array(count),
    connectionLimit: count,
    flowsPerThread: z.array(count),
    flowLimit: count,
    events: z.record(z.string(), count),
  } satisfies Shape<ForwarderStatus>)
  .meta({ id: "ForwarderStatus", description: "One generation of the forwarder." });

/** The director. */
export const statusAnswer: z.ZodType<DirectorStatus> = z
  .strictObject({
    version: z.string(),
    pid: count,
    startedAt: time,
    configFile: z.string().optional(),
    timeouts: timeoutsAnswer,
    forwarders: z.array(forwarder).describe("Newest first; older ones are draining."),
    forwarderRestarts: count,
    services: z.array(serviceAnswer),
  } satisfies Shape<DirectorStatus>)
  .meta({ id: "DirectorStatus" });

/** What a reload did. */
export const reloadAnswer: z.ZodType<ReloadReport> = z.strictObject({
  changes: z.array(z.string()).describe("One line for each difference."),
});

/** All knobs. */
export const sysctlsAnswer: z.ZodType<SysctlValues> = sysctlsModel;

const liveConnection: z.ZodType<LiveConnection> = z
  .strictObject({
    service: serviceIdModel,
    client: endpointModel,
    virtual: endpointModel.describe("What the client spoke to."),
    realserver: endpointModel.optional().describe("Left out: the sorry server."),
    state: z.enum(["SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT", "PROXY_HEADER", "UDP"]),
    ageSec: duration,
    expiresSec: duration,
    inBytes: count,
    outBytes: count,
    generation: count,
  } satisfies Shape<LiveConnection>)
  .meta({ id: "LiveConnection" });

export const connectionsAnswer = z.strictObject({ connections: z.array(liveConnection) });

export const killAnswer = z.strictObject({ killed: count.describe("How many connections were reset.") });

const connectionEntry: z.ZodType<ConnectionStatus> = z
  .strictObject({
    protocol: z.union([protocolModel, z.literal("ip")]).describe("ip: the template of a firewall mark."),
    expiresSec: duration,
    state: z.string().describe("ESTABLISHED, TIME_WAIT, ...; of a template ASSURED or NONE."),
    client: endpointModel,
    virtual: endpointModel,
    realserver: endpointModel,
    engine: z.strictObject({ name: z.string(), data: z.string() }).optional(),
  } satisfies Shape<ConnectionStatus>)
  .meta({ id: "ConnectionEntry" });

export const connectionTableAnswer = z.strictObject({ entries: z.array(connectionEntry) });

const templateModel: z.ZodType<TemplateStatus> = z
  .strictObject({
    service: serviceIdModel,
    client: z.string().describe("Under the service's netmask."),
    realserver: endpointModel,
    state: z.enum(["ASSURED", "NONE"]).describe("ASSURED once a connection under it was established."),
    valid: z.boolean().describe("false: its realserver was gone when it was wanted; it matches nobody."),
    timeoutSec: duration,
    expiresSec: duration,
    connections: count.describe("Open connections under it."),
  } satisfies Shape<TemplateStatus>)
  .meta({ id: "Template" });

export const templatesAnswer = z.strictObject({ templates: z.array(templateModel) });

export const flushedAnswer = z.strictObject({ flushed: count.describe("How many templates there were.") });

export const batchAnswer = z.strictObject({
  refusals: z
    .array(z.strictObject({ index: count.describe("Position in the changes, from 0."), error: plainError }))
    .describe("Empty where all changes were made; else none was."),
});

const syncDaemon: z.ZodType<SyncDaemon> = z
  .strictObject({
    role: z.enum(["master", "backup"]),
    interface: z.string(),
    syncId: count.max(255),
    maxLength: count.max(65507),
    group: z.string(),
    port: portOrZero,
    ttl: count.max(255),
  })
  .meta({ id: "SyncDaemon" });

export const syncDaemonsAnswer = z.strictObject({ daemons: z.array(syncDaemon) });

export const stoppedAnswer = z.strictObject({
  stopped: z.boolean().describe("Whether one of this role ran."),
});
