/** What `GET /v1/health` answers, as schemas. */
import { z } from "zod";
import type {
  CheckStatus,
  HealthChange,
  HealthStatus,
  RealserverHealthStatus,
  ServiceHealthStatus,
} from "../core/health-status.js";
import { endpointModel, type Shape, serviceIdModel } from "./model-schemas.js";

const count = z.int().min(0);
const time = z.iso.datetime();

const checkStatus: z.ZodType<CheckStatus> = z
  .strictObject({
    kind: z.string(),
    name: z.string(),
    target: endpointModel,
    state: z.enum(["unknown", "up", "down"]),
    since: time,
    progress: z.string().describe("3/3 up: three failures from down; 1/2 down: one success of two."),
    heldDownUntil: time.optional(),
    passed: count,
    failed: count,
    neutral: count,
    flips: count,
    isRunning: z.boolean(),
    nextRun: time,
    last: z
      .strictObject({
        at: time,
        durationMs: z.number().min(0),
        outcome: z.enum(["passed", "failed", "neutral"]),
        code: z.string().describe("HAProxy's vocabulary: L4CON, L7STS, ..."),
        reason: z.string(),
      })
      .optional(),
  } satisfies Shape<CheckStatus>)
  .meta({ id: "CheckStatus" });

const realserverHealth: z.ZodType<RealserverHealthStatus> = z
  .strictObject({
    key: z.string(),
    endpoint: endpointModel,
    state: z.enum(["up", "down", "unknown", "drain", "maint", "ejected", "half-open"]),
    since: time,
    reason: z.string(),
    admin: z.enum(["ready", "drain", "maint"]),
    usable: z.boolean(),
    present: z.boolean().describe("false: taken out of the table (on-down: remove)."),
    weight: count,
    configuredWeight: count,
    connectionLimit: count.optional(),
    passive: z.strictObject({ phase: z.string(), errors: count, ejectedUntil: time.optional() }).optional(),
    checks: z.array(checkStatus),
  } satisfies Shape<RealserverHealthStatus>)
  .meta({ id: "RealserverHealth" });

const serviceHealth: z.ZodType<ServiceHealthStatus> = z
  .strictObject({
    key: z.string(),
    id: serviceIdModel,
    up: z.boolean().describe("Whether it has its quorum."),
    weight: count,
    quorum: z.strictObject({ down: z.number(), up: z.number() }),
    realservers: z.array(realserverHealth),
  } satisfies Shape<ServiceHealthStatus>)
  .meta({ id: "ServiceHealth" });

const change: z.ZodType<HealthChange> = z.strictObject({
  at: time,
  service: z.string(),
  realserver: z.string().optional(),
  check: z.string().optional(),
  from: z.string(),
  to: z.string(),
  reason: z.string(),
} satisfies Shape<HealthChange>);

/** All of health checking. */
export const healthAnswer: z.ZodType<HealthStatus> = z
  .strictObject({
    services: z.array(serviceHealth).describe("Those that are checked."),
    changes: z.array(change).describe("The last 100, oldest first."),
    probes: z.strictObject({
      repeated: count,
      running: count,
      lateness: z.strictObject({
        count,
        p50Ms: z.number(),
        p99Ms: z.number(),
        maxMs: z.number(),
      }),
    }),
    alerts: z.strictObject({ called: count, failed: count, dropped: count }),
  } satisfies Shape<HealthStatus>)
  .meta({ id: "HealthStatus" });
