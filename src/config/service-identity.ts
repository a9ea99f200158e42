/**
 * What a service of the file is, and what it listens on: usually `listen` says both. A firewall mark names its members
 * (`mark: 8` with a list in `listen`), a service of all ports its `ports`.
 */
import { type Family, familyOf } from "../core/address.js";
import type { ListenEndpoint, ServiceId } from "../core/model.js";
import type { ServiceEntry } from "./schema.js";

/** The keys that the identity is made of; any may have been refused. */
export type IdentityKeys = Partial<Pick<ServiceEntry, "listen" | "mark" | "ports">>;

/** The members that `listen` names: all of a list, or the one. */
export function membersOf({ listen }: IdentityKeys): readonly ServiceId[] {
  if (listen === undefined) return [];
  return isList(listen) ? listen : [listen];
}

/** The identity, or undefined where it cannot be told. */
export function identityOf(entry: IdentityKeys): ServiceId | undefined {
  const { listen, mark } = entry;
  if (mark === undefined) return listen === undefined || isList(listen) ? undefined : listen;
  const [first] = membersOf(entry);
  return first === undefined ? undefined : { fwmark: mark, family: familyIn(first) };
}

/** What the service listens on where its identity does not say it; undefined: nothing. */
export function listenOnOf(entry: IdentityKeys): readonly ListenEndpoint[] | undefined {
  const { mark, ports } = entry;
  const members = membersOf(entry).flatMap((member) => ("fwmark" in member ? [] : [member]));
  if (mark !== undefined) {
    return members.map(({ protocol, address, port }) =>
      protocol === "udp" ? { address, port, transport: protocol } : { address, port },
    );
  }
  if (!ports || ports.length === 0 || members.length === 0) return undefined;
  const [{ address }] = members;
  return [...new Set(ports.flat())].map((port) => ({ address, port }));
}

/** The family of an identity. */
export function familyIn(id: ServiceId): Family {
  return "fwmark" in id ? id.family : familyOf(id.address);
}

/** Whether it is the list that a mark has. */
export function isList(listen: NonNullable<IdentityKeys["listen"]>): listen is readonly ServiceId[] {
  return Array.isArray(listen);
}
