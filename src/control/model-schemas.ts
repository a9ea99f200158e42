/** The model of `core/model.ts` as schemas, as answers have it: complete, every default filled in. */
import { z } from "zod";
import type { Endpoint } from "../core/address.js";
import {
  type ConnectionTimeouts,
  type ListenEndpoint,
  MAX_INT32,
  type Protocol,
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  type VirtualService,
} from "../core/model.js";
import { SYSCTLS, type SysctlName, type SysctlValues } from "../core/sysctls.js";

import { healthModel } from "./health-schemas.js";
import { acceptProxyModel, proxyProtocolModel, proxyVersion } from "./proxy-protocol-schemas.js";

/** The keys of a type, the optional ones too: with `satisfies`, a field that is added there is missed here. */
export type Shape<T> = Readonly<Record<keyof T, z.ZodType>>;

const int32 = z.int().min(0).max(MAX_INT32);

export const portOrZero = z.int().min(0).max(65535);

export const protocolModel: z.ZodType<Protocol> = z.enum(["tcp", "udp", "sctp"]);

export const endpointModel: z.ZodType<Endpoint> = z
  .strictObject({ address: z.string(), port: portOrZero })
  .meta({ id: "Endpoint" });

const listenEndpointModel: z.ZodType<ListenEndpoint> = z.strictObject({
  address: z.string(),
  port: portOrZero,
  transport: z.literal("udp").optional(),
});

export const serviceIdModel: z.ZodType<ServiceId> = z
  .union([
    z.strictObject({ protocol: protocolModel, address: z.string(), port: portOrZero }),
    z.strictObject({
      fwmark: z.int().min(1).max(0xffffffff),
      family: z.union([z.literal(4), z.literal(6)]),
    }),
  ])
  .meta({ id: "ServiceId" });

export const settingsModel: z.ZodType<ServiceSettings> = z
  .strictObject({
    scheduler: z.string(),
    schedulerFlags: z.int().min(0),
    persistence: z
      .strictObject({ timeoutSec: int32, netmask: z.union([z.string(), z.int().min(1).max(128)]) })
      .optional(),
    listenOn: z.array(listenEndpointModel).optional(),
    transparent: z.literal(true).optional(),
    source: z.array(z.string()).optional(),
    intercept: z.strictObject({ bypass: z.boolean() }).optional(),
    onePacket: z.boolean(),
    persistenceEngine: z.string().optional(),
    sorry: endpointModel.optional(),
    sorryProxyProtocol: proxyVersion.optional(),
    acceptProxy: acceptProxyModel.optional(),
    timeouts: z.strictObject({ connectMs: int32 }),
    limits: z.strictObject({ connections: int32, perSource: int32 }),
    redispatch: int32,
    health: healthModel.optional(),
  } satisfies Shape<ServiceSettings>)
  .meta({ id: "ServiceSettings" });

/** Not typed as ZodType, so that its shape can be spread. */
export const realserverModel = z
  .strictObject({
    address: z.string(),
    port: portOrZero,
    weight: int32,
    forwarding: z.enum(["masq", "route", "tunnel"]),
    upperThreshold: int32,
    lowerThreshold: int32,
    tunnel: z
      .strictObject({
        type: z.enum(["ipip", "gue", "gre"]),
        port: portOrZero.optional(),
        checksum: z.enum(["none", "csum", "remcsum"]),
      })
      .optional(),
    proxyProtocol: proxyProtocolModel.optional(),
  } satisfies Shape<Realserver>)
  .meta({ id: "Realserver" }) satisfies z.ZodType<Realserver>;

export const virtualServiceModel: z.ZodType<VirtualService> = z
  .strictObject({
    id: serviceIdModel,
    settings: settingsModel,
    realservers: z.array(realserverModel),
  } satisfies Shape<VirtualService>)
  .meta({ id: "VirtualService" });

export const timeoutsModel: z.ZodType<ConnectionTimeouts> = z
  .strictObject({ tcpSec: int32, tcpFinSec: int32, udpSec: int32 })
  .meta({ id: "Timeouts" });

const knobs = Object.entries(SYSCTLS).map(([name, { min, max, meaning }]) => [
  name,
  z.int().min(min).max(max).describe(meaning),
]);

export const sysctlsModel: z.ZodType<SysctlValues> = z
  .strictObject(Object.fromEntries(knobs) as Record<SysctlName, z.ZodInt>)
  .meta({ id: "Sysctls" });
