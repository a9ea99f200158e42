/** Replication between directors as routes answer it. */
import { z } from "zod";
import type {
  SyncReceiverStatus,
  SyncSettings,
  SyncSourceStatus,
  SyncStatus,
  SyncTlsSettings,
  SyncTlsStatus,
} from "../core/sync-settings.js";
import { endpointModel, type Shape } from "./model-schemas.js";

const count = z.int().min(0);
const time = z.iso.datetime();

/** `ha.sync` of the running configuration. */
export const syncModel: z.ZodType<SyncSettings> = z
  .strictObject({
    node: z.string().optional(),
    listen: endpointModel,
    peers: z.array(endpointModel),
    keyFile: z.string(),
    tls: z
      .strictObject({
        certificate: z.string(),
        key: z.string(),
        ca: z.string(),
        names: z.array(z.string()).optional(),
      } satisfies Shape<SyncTlsSettings>)
      .optional(),
  } satisfies Shape<SyncSettings>)
  .meta({ id: "SyncSettings" });

/** The links as they are now. */
export const syncAnswer: z.ZodType<SyncStatus> = z
  .strictObject({
    node: z.string(),
    listen: z.string(),
    listenFailure: z.string().optional().describe("Why peers cannot connect."),
    tls: z
      .strictObject({ subject: z.string(), expires: time } satisfies Shape<SyncTlsStatus>)
      .optional()
      .describe("The certificate that peers are shown; absent: the links are not encrypted."),
    sources: z
      .array(
        z.strictObject({
          address: z.string(),
          node: z.string().optional(),
          state: z.enum(["connected", "connecting", "waiting"]),
          since: time,
          lastFailure: z.string().optional(),
          received: count.describe("Templates, each as often as it came."),
        } satisfies Shape<SyncSourceStatus>),
      )
      .describe("Peers that this director learns from."),
    receivers: z
      .array(
        z.strictObject({
          node: z.string(),
          address: z.string(),
          since: time,
          sent: count.describe("Templates, each as often as it was sent."),
          full: count.describe("Times that everything was sent."),
          isCurrent: z.boolean().describe("Whether it has confirmed all that was sent."),
          unconfirmed: count.describe("Messages with templates that it has not confirmed."),
          queuedBytes: count.describe("Bytes that wait for it to take them."),
        } satisfies Shape<SyncReceiverStatus>),
      )
      .describe("Peers that learn from this director."),
    counters: z.record(z.string(), count),
  } satisfies Shape<SyncStatus>)
  .meta({ id: "SyncStatus" });
