/** What commands are about, as people write it: SERVICE, REALSERVER, and the filters of `conns` and `kill`. */
import { parseEndpoint, splitHostPort } from "../../config/endpoint.js";
import { parseListen } from "../../config/listen.js";
import { createPortLookup, type PortLookup } from "../../config/port-names.js";
import { canonicalIp, type Endpoint } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { ConnectionChoice, ServiceId } from "../../core/model.js";
import { type CommandArguments, UsageError } from "./command.js";

/** Options that choose connections. */
export const FILTER_OPTIONS = {
  service: { type: "string" },
  realserver: { type: "string" },
  client: { type: "string" },
} as const;

/** For help texts. */
export const FILTER_HELP = `  --service SERVICE         such as tcp://10.0.0.1:80, 10.0.0.1:http (TCP), fwmark://8
  --realserver REALSERVER   such as 10.0.0.2:80; only together with --service
  --client ADDRESS          the client's address`;

const portOf: PortLookup = createPortLookup();

/**
 * A service: `tcp://10.0.0.1:80`, `udp://[fd77::1]:domain`, `fwmark://8`; without a protocol it is TCP, as `10.0.0.1:80`.
 * @throws UsageError
 */
export function parseService(text: string): ServiceId {
  return orUsage("SERVICE", () => parseListen(text.includes("://") ? text : `tcp://${text}`, portOf));
}

/** A realserver: `10.0.0.2:80`, `[fd77::1]:http`; without a port, that of the service. @throws UsageError */
export function parseRealserver(text: string, service: ServiceId): Endpoint {
  const { host, port } = splitHostPort(text);
  const address = canonicalIp(host);
  const servicePort = "port" in service ? service.port : 0;
  if (address !== undefined && (port === undefined || port === "0")) {
    return { address, port: port === undefined ? servicePort : 0 };
  }
  return orUsage("REALSERVER", () => parseEndpoint(text, portOf));
}

/** The connections that the filter options choose; all where there are none. @throws UsageError */
export function parseFilter({ options }: CommandArguments): ConnectionChoice {
  const { service, realserver, client } = options as Partial<Record<string, string>>;
  if (realserver !== undefined && service === undefined) {
    throw new UsageError("--realserver needs --service: a realserver belongs to a service");
  }
  const address = client === undefined ? undefined : canonicalIp(client);
  if (client !== undefined && address === undefined) {
    throw new UsageError(`--client: found ${JSON.stringify(client)}, accepted is an IP address`);
  }
  const id = service === undefined ? undefined : parseService(service);
  return {
    ...(id && { service: id }),
    ...(id && realserver !== undefined && { realserver: parseRealserver(realserver, id) }),
    ...(address && { client: address }),
  };
}

/** What `parse` makes of an argument; its refusal is wrong usage. @throws UsageError */
export function orUsage<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`${what}: ${UvsError.from(error).message}`);
  }
}
