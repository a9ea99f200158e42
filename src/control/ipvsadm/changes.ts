/** From commands to changes of the director, one at a time or several that happen together. */
import { DEFAULT_SETTINGS, type ServiceId, type ServiceSettings, serviceKey } from "../../core/model.js";
import type { Change, Operations } from "../operations.js";
import type { IpvsadmCommand, ServiceChoice } from "./command.js";

/**
 * What a service is set to now; undefined where there is none.
 * `-E` resets all that ipvsadm knows of, and must keep what only uvs knows: sorry server, limits, redispatch, ...
 */
export type CurrentSettings = (id: ServiceId) => ServiceSettings | undefined;

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
        settings: edited(command.choice, current(command.id)),
      };
    case "delete-service":
      return { operation: "deleteService", id: command.id };
    case "flush":
      return { operation: "clear" };
    case "add-server":
      return { operation: "addRealserver", id: command.id, server: command.server };
    case "edit-server":
      return { operation: "editRealserver", id: command.id, server: command.server };
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

/** Follows the settings of services through changes that have not been made yet. */
export class SettingsAhead {
  readonly #settings: Map<string, ServiceSettings>;

  constructor(now: readonly { readonly id: ServiceId; readonly settings: ServiceSettings }[]) {
    this.#settings = new Map(now.map(({ id, settings }) => [serviceKey(id), settings]));
  }

  readonly current: CurrentSettings = (id) => this.#settings.get(serviceKey(id));

  follow(change: Change): void {
    if (change.operation === "clear") this.#settings.clear();
    if (change.operation === "addService") {
      this.#settings.set(serviceKey(change.service.id), change.service.settings);
    }
    if (change.operation === "editService") this.#settings.set(serviceKey(change.id), change.settings);
    if (change.operation === "deleteService") this.#settings.delete(serviceKey(change.id));
  }
}

function edited(choice: ServiceChoice, now: ServiceSettings | undefined): ServiceSettings {
  return { ...(now ?? DEFAULT_SETTINGS), ...choice };
}
