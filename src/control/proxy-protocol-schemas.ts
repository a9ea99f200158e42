/** The PROXY protocol in bodies and answers of the control API. */
import { z } from "zod";
import { type AcceptProxy, MAX_TRUSTED_NETWORKS, type ProxyProtocol } from "../core/model.js";
import { formatNetwork, parseNetwork } from "../core/network.js";
import { DEFAULT_MAX_HEADER, MAX_HEADER } from "../core/proxy-protocol/format.js";
import { keys, oneOf, wholeNumber } from "./body.js";

const NETWORK_ACCEPTED = "a network such as 10.0.0.0/8, or an address";
const FROM_ACCEPTED = `a list of 1 to ${MAX_TRUSTED_NETWORKS} networks`;

export const proxyVersion = z.union([z.literal(1), z.literal(2)], "1 or 2");

/** The header that a realserver is sent. */
export const proxyProtocolBody = keys({
  version: proxyVersion,
  crc32c: z.boolean("true or false").default(false),
  uniqueId: z.boolean("true or false").default(false),
});

/** Which clients send a header. */
export const acceptProxyBody = keys({
  from: z
    .array(
      z
        .string(NETWORK_ACCEPTED)
        .refine((text) => parseNetwork(text) !== undefined, { error: NETWORK_ACCEPTED, abort: true })
        .overwrite((text) => formatNetwork(parseNetwork(text)!)),
      FROM_ACCEPTED,
    )
    .min(1, FROM_ACCEPTED)
    .max(MAX_TRUSTED_NETWORKS, FROM_ACCEPTED),
  others: oneOf(["plain", "refuse"]).default("plain"),
  timeoutMs: wholeNumber(1, 3_600_000).default(5000),
  maxHeader: wholeNumber(DEFAULT_MAX_HEADER, MAX_HEADER).default(DEFAULT_MAX_HEADER),
});

export const proxyProtocolModel: z.ZodType<ProxyProtocol> = z
  .strictObject({
    version: proxyVersion,
    crc32c: z.boolean(),
    uniqueId: z.boolean(),
  })
  .meta({ id: "ProxyProtocol" });

export const acceptProxyModel: z.ZodType<AcceptProxy> = z
  .strictObject({
    from: z.array(z.string()),
    others: z.enum(["plain", "refuse"]),
    timeoutMs: z.int().min(1),
    maxHeader: z.int().min(DEFAULT_MAX_HEADER),
  })
  .meta({ id: "AcceptProxy" });
