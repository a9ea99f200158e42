/** From commands to changes of the director, one at a time or several that happen together. */
import type { Endpoint } from "../../core/address.js";
import {
  DEFAULT_SETTINGS,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../../core/model.js";
import type { Change, Operations } from "../operations.js";
import type { IpvsadmCommand, ServiceChoice } from "./command.js";

/**
 * What services and realservers are set to now; undefined where there is none. `-E` and `-e` reset all that ipvsadm knows
 * of, and must keep what only uvs knows: sorry server, limits, redispatch, PROXY headers, ...
 */
export interface CurrentSettings {
  service(id: ServiceId): ServiceSettings | undefined;
  realserver(id: ServiceId, server: Endpoint): Realserver | undefined;
}

/** For commands that replace nothing. */
export const NOTHING_BEFORE: CurrentSettings = { service: () => undefined, realserver: () => undefined };

/** The change that a command asks for, or undefined where it asks for none. */
export function changeOf(command: IpvsadmCommand, current: CurrentSettings): Change | undefined {
  switch (command.name) {
    case "add-service": {
      const { id, choice } = command;
      return {
        operation: "addService",
        service: { id, settings: { ...DEFAULT_SETTINGS, ...choice }, realservers: [] },
      };
    }
    case "edit-service":
      return {
        operation: "editService",
        id: command.id,
        settings: edited(command.choice, current.service(command.id)),
      };
    case "delete-service":
      return { operation: "deleteService", id: command.id };
    case "flush":
      return { operation: "clear" };
    case "add-server":
      return { operation: "addRealserver", id: command.id, server: command.server };
    case "edit-server":
      return { operation: "editRealserver", id: command.id, server: editedServer(command, current) };
    case "delete-server":
      return { operation: "deleteRealserver", id: command.id, server: command.server };
    case "set":
      return { operation: "setTimeouts", timeouts: command.timeouts };
    default:
      return undefined;
  }
}

/** Makes one change. @throws UvsError as the operation does */
export async function applyChange(operations: Operations, change: Change): Promise<void> {
  switch (change.operation) {
    case "addService":
      return operations.addService(change.service);
    case "editService":
      return operations.editService(change.id, change.settings);
    case "deleteService":
      return operations.deleteService(change.id);
    case "clear":
      return operations.clear();
    case "addRealserver":
      return operations.addRealserver(change.id, change.server);
    case "editRealserver":
      return operations.editRealserver(change.id, change.server);
    case "deleteRealserver":
      return operations.deleteRealserver(change.id, change.server);
    case "setTimeouts":
      await operations.setTimeouts(change.timeouts);
  }
}

/** Follows services and realservers through changes that have not been made yet. */
export class SettingsAhead implements CurrentSettings {
  readonly #services = new Map<string, { settings: ServiceSettings; servers: Map<string, Realserver> }>();

  constructor(now: readonly VirtualService[]) {
    for (const service of now) this.#take(service);
  }

  service(id: ServiceId): ServiceSettings | undefined {
    return this.#services.get(serviceKey(id))?.settings;
  }

  realserver(id: ServiceId, server: Endpoint): Realserver | undefined {
    return this.#services.get(serviceKey(id))?.servers.get(realserverKey(server));
  }

  follow(change: Change): void {
    switch (change.operation) {
      case "clear":
        this.#services.clear();
        break;
      case "addService":
        this.#take(change.service);
        break;
      case "editService": {
        const service = this.#services.get(serviceKey(change.id));
        if (service !== undefined) service.settings = change.settings;
        break;
      }
      case "deleteService":
        this.#services.delete(serviceKey(change.id));
        break;
      case "addRealserver":
      case "editRealserver":
        this.#services.get(serviceKey(change.id))?.servers.set(realserverKey(change.server), change.server);
        break;
      case "deleteRealserver":
        this.#services.get(serviceKey(change.id))?.servers.delete(realserverKey(change.server));
        break;
    }
  }

  #take({ id, settings, realservers }: VirtualService): void {
    const servers = new Map(realservers.map((server) => [realserverKey(server), server]));
    this.#services.set(serviceKey(id), { settings, servers });
  }
}

function edited(choice: ServiceChoice, now: ServiceSettings | undefined): ServiceSettings {
  return { ...(now ?? DEFAULT_SETTINGS), ...choice };
}

function editedServer(
  { id, server, namesHeader }: Extract<IpvsadmCommand, { namesHeader: boolean }>,
  current: CurrentSettings,
): Realserver {
  const header = namesHeader ? undefined : current.realserver(id, server)?.proxyProtocol;
  return header === undefined ? server : { ...server, proxyProtocol: header };
}
