/** Ports by their service names. */
import type { Protocol } from "../core/model.js";
import { COMMON_SERVICES, readServiceNames, type ServiceNames } from "./service-names.js";

/** The port of a service name, or undefined where the name is unknown. */
export type PortLookup = (name: string, protocol: Protocol) => number | undefined;

/** A lookup that reads the file when it is first asked, keeps what it read, and knows the usual names besides. */
export function createPortLookup(file = "/etc/services"): PortLookup {
  let listed: ServiceNames | undefined;
  return (name, protocol) => {
    listed ??= readServiceNames(file) ?? COMMON_SERVICES;
    return listed.portOf(name, protocol) ?? COMMON_SERVICES.portOf(name, protocol);
  };
}
