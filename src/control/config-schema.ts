/** The running configuration as a schema: what `GET /v1/config` answers. */
import { z } from "zod";
import type { Config } from "../config/config.js";
import { haSettingsModel } from "./ha-config-schema.js";
import {
  endpointModel,
  type Shape,
  sysctlsModel,
  timeoutsModel,
  virtualServiceModel,
} from "./model-schemas.js";

const count = z.int().min(0);

/** A configuration with every default filled in. */
export const configAnswer: z.ZodType<Config> = z
  .strictObject({
    services: z.array(virtualServiceModel).describe("Realservers oldest first."),
    timeouts: timeoutsModel,
    sysctls: sysctlsModel,
    forwarding: z.enum(["proxy", "strict"]),
    state: z.strictObject({ directory: z.string(), persistEdits: z.boolean() }).optional(),
    control: z.strictObject({ socket: z.string(), mode: count }),
    dataplane: z.enum(["auto", "native", "net"]),
    threads: z.union([z.literal("auto"), count]),
    limits: z.strictObject({
      connections: z.union([z.literal("auto"), count]),
      flows: z.union([z.literal("auto"), count]),
      services: count,
      realservers: count,
      templates: count,
    }),
    shutdown: z.strictObject({ graceMs: count }),
    log: z.strictObject({
      level: z.enum(["fatal", "error", "warn", "info", "debug"]),
      format: z.enum(["auto", "pretty", "json"]),
    }),
    accessLog: z.strictObject({ file: z.string() }).optional(),
    metrics: z.strictObject({ listen: endpointModel }).optional(),
    ha: haSettingsModel.optional(),
  } satisfies Shape<Config>)
  .meta({ id: "Config" });
