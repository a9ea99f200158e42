/** High availability as `GET /v1/config` answers it. */
import { z } from "zod";
import type {
  FloatingSettings,
  HaAnnounceSettings,
  HaCommand,
  HaFenceSettings,
  HaHeartbeatSettings,
  HaNotifySettings,
  HaRecoverySettings,
  HaResourceSettings,
  HaScriptSettings,
  HaSettings,
  HaSyncGroupSettings,
  HaTrackSettings,
  HeartbeatFenceSettings,
  HeartbeatGroupSettings,
  HeartbeatLinkSettings,
  VrrpHmacSettings,
  VrrpRouterSettings,
} from "../core/ha-settings.js";
import type { Shape } from "./model-schemas.js";
import { syncModel } from "./sync-schemas.js";

const count = z.int().min(0);
const texts = z.array(z.string());

const command: z.ZodType<HaCommand> = z
  .strictObject({ path: z.string(), args: texts } satisfies Shape<HaCommand>)
  .meta({ id: "HaCommand" });

const notify: z.ZodType<HaNotifySettings> = z
  .strictObject({
    master: command.optional(),
    backup: command.optional(),
    fault: command.optional(),
    stop: command.optional(),
    conflict: command.optional(),
    any: command.optional(),
    webhooks: texts,
    timeoutMs: count,
  } satisfies Shape<HaNotifySettings>)
  .meta({ id: "HaNotifySettings" });

const times = { monitorMs: count, startTimeoutMs: count, stopTimeoutMs: count };

const resource: z.ZodType<HaResourceSettings> = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("lsb"), path: z.string(), args: texts, ...times }),
    z.strictObject({
      kind: z.literal("ocf"),
      provider: z.string(),
      type: z.string(),
      instance: z.string().optional(),
      parameters: z.record(z.string(), z.string()),
      ...times,
    }),
    z.strictObject({ kind: z.literal("systemd"), unit: z.string(), ...times }),
  ])
  .meta({ id: "HaResourceSettings" });

const floating = z.strictObject({
  address: z.string(),
  prefix: count,
  interface: z.string(),
  broadcast: z.string().optional(),
  scope: z.enum(["global", "site", "link", "host"]).optional(),
  label: z.string().optional(),
  isAdvertised: z.boolean(),
} satisfies Shape<FloatingSettings>);

const track = z.strictObject({
  kind: z.enum(["interface", "script", "service"]),
  name: z.string(),
  weight: z.int(),
  reverse: z.boolean(),
} satisfies Shape<HaTrackSettings>);

const hmac = z.strictObject({
  keys: z.array(z.strictObject({ id: count, key: z.string() })),
  activeKey: count,
  mode: z.enum(["enforce", "permissive", "receive-only"]),
  windowMs: count,
} satisfies Shape<VrrpHmacSettings>);

const groupParts = {
  announce: z.strictObject({
    repeat: count,
    delayMs: count,
    refreshMs: count,
  } satisfies Shape<HaAnnounceSettings>),
  resources: z.array(resource),
  recovery: z.strictObject({
    restarts: count,
    retryMs: count,
    releaseMs: count,
  } satisfies Shape<HaRecoverySettings>),
  notify,
};

const fence = {
  node: z.string(),
  command,
  action: z.enum(["off", "reset"]),
  timeoutMs: count,
  retryMs: count,
  delayMs: count,
} satisfies Shape<HeartbeatFenceSettings>;

const router: z.ZodType<VrrpRouterSettings> = z
  .strictObject({
    name: z.string(),
    interface: z.string(),
    id: count,
    version: z.union([z.literal(2), z.literal(3)]),
    family: z.union([z.literal(4), z.literal(6)]),
    priority: count,
    advertMs: count,
    floating: texts,
    source: z.string().optional(),
    unicast: z
      .strictObject({
        peers: z.array(z.strictObject({ address: z.string(), minTtl: count, maxTtl: count })),
        ttl: count,
      })
      .optional(),
    password: z.string().optional(),
    hmac: hmac.optional(),
    checksum: z.enum(["pseudo-header", "message-only"]),
    preempt: z.boolean(),
    preemptDelayMs: count,
    deadAdverts: count,
    startupDelayMs: count,
    lastAdvert: z.boolean(),
    track: z.array(track),
    ...groupParts,
  } satisfies Shape<VrrpRouterSettings>)
  .meta({ id: "VrrpRouterSettings" });

const link: z.ZodType<HeartbeatLinkSettings> = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("ucast"),
      interface: z.string(),
      peers: texts,
      source: z.string().optional(),
    }),
    z.strictObject({ kind: z.literal("bcast"), interface: z.string() }),
    z.strictObject({ kind: z.literal("mcast"), interface: z.string(), group: z.string(), ttl: count }),
  ])
  .meta({ id: "HeartbeatLinkSettings" });

const group: z.ZodType<HeartbeatGroupSettings> = z
  .strictObject({
    name: z.string(),
    preferred: z.string().optional(),
    scores: z.record(z.string(), z.int()),
    stickiness: z.int().optional(),
    floating: texts,
    ...groupParts,
  } satisfies Shape<HeartbeatGroupSettings>)
  .meta({ id: "HeartbeatGroupSettings" });

const heartbeat: z.ZodType<HaHeartbeatSettings> = z
  .strictObject({
    node: z.string(),
    nodes: texts,
    links: z.array(link),
    port: count,
    keyFile: z.string(),
    generationFile: z.string(),
    keepaliveMs: count,
    deadMs: count,
    warnMs: count,
    initDeadMs: count,
    autoFailback: z.boolean(),
    noQuorum: z.enum(["stop", "freeze", "ignore"]),
    pingBreaksTie: z.boolean(),
    dampenMs: count,
    encoding: z.enum(["netstring", "classic"]),
    ping: z.strictObject({
      targets: z.array(z.strictObject({ name: z.string(), hosts: texts })),
      deadMs: count,
      multiplier: count,
      isRequired: z.boolean(),
    }),
    groups: z.array(group),
    fencing: z.array(z.strictObject(fence)),
  } satisfies Shape<HaHeartbeatSettings>)
  .meta({ id: "HaHeartbeatSettings" });

/** All of high availability. */
export const haSettingsModel: z.ZodType<HaSettings> = z
  .strictObject({
    floating: z.array(floating),
    vrrp: z.array(router),
    heartbeat: heartbeat.optional(),
    scripts: z.array(
      z.strictObject({
        name: z.string(),
        command,
        intervalMs: count,
        timeoutMs: count,
        rise: count,
        fall: count,
      } satisfies Shape<HaScriptSettings>),
    ),
    syncGroups: z.array(
      z.strictObject({ name: z.string(), members: texts, notify } satisfies Shape<HaSyncGroupSettings>),
    ),
    fencing: z.array(z.strictObject({ ...fence, addresses: texts } satisfies Shape<HaFenceSettings>)),
    sync: syncModel.optional(),
  } satisfies Shape<HaSettings>)
  .meta({ id: "HaSettings" });
