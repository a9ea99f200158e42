/** What the record refuses of the PROXY protocol in the settings of services and realservers. */
import { UvsError } from "../core/errors.js";
import {
  checkInteger,
  MAX_TRUSTED_NETWORKS,
  type ProxyProtocol,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
} from "../core/model.js";
import { formatNetwork, parseNetwork } from "../core/network.js";
import { DEFAULT_MAX_HEADER, MAX_HEADER } from "../core/proxy-protocol/format.js";

/** @throws UvsError INVALID */
export function checkProxySettings(id: ServiceId, settings: ServiceSettings): void {
  const { sorry, sorryProxyProtocol, acceptProxy } = settings;
  checkVersion(id, "sorryProxyProtocol", sorryProxyProtocol);
  if (sorryProxyProtocol !== undefined && sorry === undefined) {
    throw invalid("sorryProxyProtocol: found without sorry, accepted is it together with sorry");
  }
  if (acceptProxy === undefined) return;
  if (!("fwmark" in id) && id.protocol !== "tcp") {
    throw invalid(
      `acceptProxy: found for ${serviceKey(id)}, accepted is it for TCP services and firewall marks`,
    );
  }
  if ("fwmark" in id && settings.listenOn?.some(({ transport }) => transport === "udp")) {
    throw invalid("acceptProxy: found with members of UDP, accepted are members of TCP with it");
  }
  const { from, timeoutMs, maxHeader } = acceptProxy;
  if (from.length === 0 || from.length > MAX_TRUSTED_NETWORKS) {
    throw invalid(
      `acceptProxy.from: found ${from.length} networks, accepted are 1 to ${MAX_TRUSTED_NETWORKS}`,
    );
  }
  for (const text of from) {
    const network = parseNetwork(text);
    if (network !== undefined && formatNetwork(network) === text) continue;
    const accepted = network === undefined ? "a network such as 10.0.0.0/8" : formatNetwork(network);
    throw invalid(`acceptProxy.from: found "${text}", accepted is ${accepted}`);
  }
  checkInteger("acceptProxy.timeoutMs", timeoutMs, 1, 3_600_000);
  checkInteger("acceptProxy.maxHeader", maxHeader, DEFAULT_MAX_HEADER, MAX_HEADER);
}

/** @throws UvsError INVALID where the version cannot carry what is asked of it */
export function checkSentHeader(id: ServiceId, field: string, header: ProxyProtocol | undefined): void {
  checkVersion(id, field, header?.version);
  if (header?.version === 1 && (header.crc32c || header.uniqueId)) {
    throw invalid(`${field}: found version 1 with crc32c or uniqueId, accepted is version 2 with them`);
  }
}

function checkVersion(id: ServiceId, field: string, version: number | undefined): void {
  if (version !== 1 || "fwmark" in id || id.protocol !== "udp") return;
  throw invalid(`${field}: found version 1 for ${serviceKey(id)}, accepted is version 2: 1 knows TCP only`);
}

function invalid(message: string): UvsError {
  return new UvsError("INVALID", message);
}
