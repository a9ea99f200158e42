/**
 * Differences applied to a state without a director: what a file says now goes on top of what was edited since the file
 * was read.
 */
import type { Endpoint } from "../core/address.js";
import {
  type Realserver,
  realserverKey,
  type ServiceId,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import type { ConfigChange, EditableState } from "./diff.js";

/**
 * The state after these changes. As at a reload, what an edit has done already is not done again, and a change of
 * something that an edit has deleted does nothing.
 */
export function applyChanges(state: EditableState, changes: readonly ConfigChange[]): EditableState {
  return changes.reduce(applyOne, state);
}

function applyOne(state: EditableState, change: ConfigChange): EditableState {
  const { services } = state;
  switch (change.op) {
    case "addService": {
      const others = services.filter((service) => serviceKey(service.id) !== serviceKey(change.service.id));
      return { ...state, services: [...others, change.service] };
    }
    case "deleteService":
      return { ...state, services: services.filter(({ id }) => serviceKey(id) !== serviceKey(change.id)) };
    case "editService":
      return edited(state, change.id, (service) => ({ ...service, settings: change.settings }));
    case "addRealserver":
      return withRealservers(state, change.id, (servers) => [
        ...without(servers, change.server),
        change.server,
      ]);
    case "editRealserver":
      return withRealservers(state, change.id, (servers) =>
        servers.map((server) =>
          realserverKey(server) === realserverKey(change.server) ? change.server : server,
        ),
      );
    case "deleteRealserver":
      return withRealservers(state, change.id, (servers) => without(servers, change.server));
    case "setTimeouts":
      return { ...state, timeouts: change.timeouts };
    case "setSysctl":
      return { ...state, sysctls: { ...state.sysctls, [change.name]: change.value } };
    default:
      return state;
  }
}

function edited(
  state: EditableState,
  id: ServiceId,
  edit: (service: VirtualService) => VirtualService,
): EditableState {
  const key = serviceKey(id);
  const services = state.services.map((service) =>
    serviceKey(service.id) === key ? edit(service) : service,
  );
  return { ...state, services };
}

function withRealservers(
  state: EditableState,
  id: ServiceId,
  edit: (servers: readonly Realserver[]) => Realserver[],
): EditableState {
  return edited(state, id, (service) => ({ ...service, realservers: edit(service.realservers) }));
}

function without(servers: readonly Realserver[], server: Endpoint): Realserver[] {
  const key = realserverKey(server);
  return servers.filter((other) => realserverKey(other) !== key);
}
