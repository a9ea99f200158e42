/** What the routes under `/v1/ha` take and answer, as schemas. */
import { z } from "zod";
import type {
  HaGuardianStatus,
  HaInstanceStatus,
  HaPeerStatus,
  HaStatus,
  HaThreadStatus,
  HaTrackedStatus,
  HeartbeatLinkStatus,
  HeartbeatNodeStatus,
  HeartbeatStatus,
} from "../core/ha-status.js";
import { keys, oneOf } from "./body.js";
import type { Shape } from "./model-schemas.js";
import { syncAnswer } from "./sync-schemas.js";

const count = z.int().min(0);
const time = z.iso.datetime();

const tracked = z.strictObject({
  kind: z.string(),
  name: z.string(),
  weight: z.int(),
  state: z.enum(["up", "down", "unknown"]),
  adds: z.int().describe("To the priority, now."),
} satisfies Shape<HaTrackedStatus>);

const peer: z.ZodType<HaPeerStatus> = z
  .strictObject({
    source: z.string(),
    priority: count.optional(),
    intervalMs: count.optional(),
    lastHeard: time.optional(),
    rejected: z
      .strictObject({ reason: z.string(), packets: count, last: time })
      .optional()
      .describe("What is refused of it now."),
  } satisfies Shape<HaPeerStatus>)
  .meta({ id: "HaPeer" });

const instance: z.ZodType<HaInstanceStatus> = z
  .strictObject({
    protocol: z.enum(["vrrp", "heartbeat"]),
    name: z.string(),
    state: z.enum(["INIT", "BACKUP", "MASTER", "FAULT"]),
    since: time,
    reason: z.string().describe("Why it came into this state."),
    isLeaving: z.boolean(),
    priority: z.int().describe("In effect; of a heartbeat group its score, below 0: it must not be here."),
    basePriority: z.int().describe("Configured."),
    tracked: z.array(tracked),
    waitsFor: z.string().optional().describe("What it waits for before it takes over: fencing."),
    faults: z.array(z.string()).describe("Why it cannot be master."),
    isStandby: z.boolean(),
    interface: z.string(),
    source: z.string().optional(),
    advertMs: count,
    downMs: z.number().min(0).describe("Silence after which it takes over."),
    master: z.strictObject({ source: z.string(), priority: z.int(), heardMsAgo: z.number() }).optional(),
    peers: z.array(peer),
    addresses: z.array(z.string()),
    holdsAddresses: z.boolean(),
    resources: z.enum(["stopped", "starting", "started", "stopping", "failed"]),
    trouble: z.string().optional(),
    transitions: count,
    conflicts: count.describe("Second masters heard while it stayed master."),
    announcements: count,
    maxLateMs: z.number().min(0).describe("The latest that a timer ever was."),
    counters: z.record(z.string(), count).describe("By keepalived's names."),
    syncGroup: z.string().optional(),
    vrrp: z
      .strictObject({
        id: count,
        version: z.union([z.literal(2), z.literal(3)]),
        family: z.union([z.literal(4), z.literal(6)]),
      })
      .optional(),
  } satisfies Shape<HaInstanceStatus>)
  .meta({ id: "HaInstance" });

const heartbeatNode = z.strictObject({
  name: z.string(),
  state: z.enum(["unknown", "up", "active", "dead", "left"]),
  heardMsAgo: z.number().optional(),
  holds: z.array(z.string()),
  pings: count.describe("Ping nodes that it reaches."),
  fencing: z.enum(["not needed", "wanted", "running", "done"]),
  hasSameConfiguration: z.boolean().optional(),
} satisfies Shape<HeartbeatNodeStatus>);

const heartbeat: z.ZodType<HeartbeatStatus> = z
  .strictObject({
    node: z.string(),
    phase: z.enum(["stopped", "joining", "active", "leaving"]),
    members: count,
    hasQuorum: z.boolean(),
    noQuorumPolicy: z.enum(["stop", "freeze", "ignore"]),
    standby: z.array(z.string()).describe("Groups that the operator does not want here."),
    nodes: z.array(heartbeatNode),
    links: z.array(
      z.strictObject({
        name: z.string(),
        source: z.string().optional(),
        trouble: z.string().optional(),
        hears: z.array(z.string()),
      } satisfies Shape<HeartbeatLinkStatus>),
    ),
    pings: z.array(z.strictObject({ name: z.string(), state: z.enum(["up", "down", "unknown"]) })),
    counters: z.record(z.string(), count),
  } satisfies Shape<HeartbeatStatus>)
  .meta({ id: "HeartbeatStatus" });

const loopDelay = z.strictObject({ count, p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() });

/** All of high availability. */
export const haAnswer: z.ZodType<HaStatus> = z
  .strictObject({
    isConfigured: z.boolean(),
    instances: z.array(instance),
    heartbeat: heartbeat.optional(),
    unknownVrids: z
      .array(z.strictObject({ id: count, packets: count }))
      .optional()
      .describe("VRRP packets for virtual routers that are not configured here."),
    thread: z.strictObject({ restarts: count, loopDelay } satisfies Shape<HaThreadStatus>).optional(),
    primary: z.strictObject({ loopDelay }).optional().describe("The thread of the control plane."),
    sync: syncAnswer.optional(),
    guardian: z.strictObject({ pid: count, restarts: count } satisfies Shape<HaGuardianStatus>).optional(),
  } satisfies Shape<HaStatus>)
  .meta({ id: "HaStatus" });

const MAX_NAME = 64;
const NAME_ACCEPTED = `the name of an instance, at most ${MAX_NAME} characters`;

/** Which instances are meant. */
export const haChoiceBody = keys({
  instance: z.string(NAME_ACCEPTED).min(1, NAME_ACCEPTED).max(MAX_NAME, NAME_ACCEPTED).optional(),
  scope: oneOf(["all", "foreign", "local"]).optional(),
}).default({});
