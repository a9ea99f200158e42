/**
 * What has to be done to a running director so that it is what a configuration says: an ordered list of operations,
 * each of which can be carried out and undone by itself. Pure: nothing is carried out here.
 *
 * The order keeps services served: what frees an address comes first; realservers are added before others are
 * quiesced or deleted, so that a service whose realservers are all exchanged is never without one.
 */
import { isDeepStrictEqual } from "node:util";
import type { Endpoint } from "../core/address.js";
import type { HaSettings } from "../core/ha-settings.js";
import {
  type ConnectionTimeouts,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import { SYSCTLS, type SysctlName } from "../core/sysctls.js";
import type { Config } from "./config.js";

/** The part of a configuration that live edits can change. */
export type EditableState = Pick<Config, "services" | "timeouts" | "sysctls">;

/** One operation on services or realservers. */
export type ServicesChange =
  | { readonly op: "deleteService"; readonly id: ServiceId }
  | { readonly op: "editService"; readonly id: ServiceId; readonly settings: ServiceSettings }
  | { readonly op: "addRealserver"; readonly id: ServiceId; readonly server: Realserver }
  | { readonly op: "editRealserver"; readonly id: ServiceId; readonly server: Realserver }
  | { readonly op: "deleteRealserver"; readonly id: ServiceId; readonly server: Endpoint }
  | { readonly op: "addService"; readonly service: VirtualService };

/** One operation; `restartNeeded` is for people: a setting differs that is read only when the director starts. */
export type ConfigChange =
  | ServicesChange
  | { readonly op: "setTimeouts"; readonly timeouts: ConnectionTimeouts }
  | { readonly op: "setSysctl"; readonly name: SysctlName; readonly value: number }
  | { readonly op: "setShutdownGrace"; readonly graceMs: number }
  | { readonly op: "setHa"; readonly ha: HaSettings | undefined }
  | { readonly op: "restartNeeded"; readonly key: string };

/** Settings that a running director keeps until it is started again, with their keys in the file. */
const AT_START: readonly [key: string, read: (config: Config) => unknown][] = [
  ["forwarding", (config) => config.forwarding],
  ["state", (config) => config.state?.directory],
  ["persist-edits", (config) => config.state?.persistEdits],
  ["control.socket", (config) => config.control.socket],
  ["control.mode", (config) => config.control.mode],
  ["dataplane", (config) => config.dataplane],
  ["threads", (config) => config.threads],
  ["limits.connections", (config) => config.limits.connections],
  ["limits.flows", (config) => config.limits.flows],
  ["limits.services", (config) => config.limits.services],
  ["limits.realservers", (config) => config.limits.realservers],
  ["limits.templates", (config) => config.limits.templates],
  ["log.level", (config) => config.log.level],
  ["log.format", (config) => config.log.format],
  ["access-log", (config) => config.accessLog],
  ["metrics", (config) => config.metrics],
];

/**
 * The operations that lead from one configuration to another, in the order to carry them out.
 * @param old what is running; pass the services as they are now where they were edited since
 * @returns empty where nothing differs; the order of realservers alone is no difference
 */
export function diffConfigs(old: Config, next: Config): ConfigChange[] {
  const changes = diffEdits(old, next);
  if (old.shutdown.graceMs !== next.shutdown.graceMs) {
    changes.push({ op: "setShutdownGrace", graceMs: next.shutdown.graceMs });
  }
  if (!isDeepStrictEqual(old.ha, next.ha)) changes.push({ op: "setHa", ha: next.ha });
  for (const [key, read] of AT_START) {
    if (!isDeepStrictEqual(read(old), read(next))) changes.push({ op: "restartNeeded", key });
  }
  return changes;
}

/** The part of the difference that live edits could have made. */
export function diffEdits(old: EditableState, next: EditableState): ConfigChange[] {
  const changes: ConfigChange[] = diffServices(old.services, next.services);
  if (!isDeepStrictEqual(old.timeouts, next.timeouts)) {
    changes.push({ op: "setTimeouts", timeouts: next.timeouts });
  }
  for (const name of Object.keys(SYSCTLS) as SysctlName[]) {
    const value = next.sysctls[name];
    if (old.sysctls[name] !== value) changes.push({ op: "setSysctl", name, value });
  }
  return changes;
}

/** The part of the difference that concerns services and realservers. */
export function diffServices(
  old: readonly VirtualService[],
  next: readonly VirtualService[],
): ServicesChange[] {
  const before = new Map(old.map((service) => [serviceKey(service.id), service]));
  const after = new Set(next.map((service) => serviceKey(service.id)));
  const deleted = old.filter(({ id }) => !after.has(serviceKey(id)));
  const kept = next.flatMap((service) => {
    const previous = before.get(serviceKey(service.id));
    return previous ? diffService(previous, service) : [];
  });
  const added = next.filter(({ id }) => !before.has(serviceKey(id)));
  return [
    ...deleted.map(({ id }): ServicesChange => ({ op: "deleteService", id })),
    ...kept,
    ...added.map((service): ServicesChange => ({ op: "addService", service })),
  ];
}

function diffService(old: VirtualService, next: VirtualService): ServicesChange[] {
  const { id } = next;
  const before = new Map(old.realservers.map((server) => [realserverKey(server), server]));
  const after = new Set(next.realservers.map(realserverKey));
  const changes: ServicesChange[] = [];
  if (!isDeepStrictEqual(old.settings, next.settings)) {
    changes.push({ op: "editService", id, settings: next.settings });
  }
  for (const server of next.realservers) {
    if (!before.has(realserverKey(server))) changes.push({ op: "addRealserver", id, server });
  }
  for (const server of next.realservers) {
    const previous = before.get(realserverKey(server));
    if (previous && !isDeepStrictEqual(previous, server)) changes.push({ op: "editRealserver", id, server });
  }
  for (const { address, port } of old.realservers) {
    const server = { address, port };
    if (!after.has(realserverKey(server))) changes.push({ op: "deleteRealserver", id, server });
  }
  return changes;
}

/** A change in words, for logs and the report of a reload: `tcp://10.0.0.1:80: realserver 10.0.0.2:80 added`. */
export function describeChange(change: ConfigChange): string {
  switch (change.op) {
    case "addService": {
      const { id, realservers } = change.service;
      return `${serviceKey(id)}: service added with ${realservers.length} realservers`;
    }
    case "editService":
      return `${serviceKey(change.id)}: settings changed`;
    case "deleteService":
      return `${serviceKey(change.id)}: service deleted`;
    case "addRealserver":
      return `${serviceKey(change.id)}: realserver ${realserverKey(change.server)} added`;
    case "editRealserver":
      return `${serviceKey(change.id)}: realserver ${realserverKey(change.server)} changed`;
    case "deleteRealserver":
      return `${serviceKey(change.id)}: realserver ${realserverKey(change.server)} deleted`;
    case "setTimeouts": {
      const { tcpSec, tcpFinSec, udpSec } = change.timeouts;
      return `timeouts: tcp ${tcpSec} s, tcp-fin ${tcpFinSec} s, udp ${udpSec} s`;
    }
    case "setSysctl":
      return `sysctls.${change.name}: ${change.value}`;
    case "setShutdownGrace":
      return `shutdown.grace: ${change.graceMs} ms`;
    case "setHa":
      return change.ha === undefined ? "ha: removed" : "ha: changed";
    case "restartNeeded":
      return `${change.key}: changed, takes effect when uvsd is started again`;
  }
}
