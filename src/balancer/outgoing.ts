/**
 * The addresses that connections to realservers come from, in the columns of services: written under the service's lock by
 * its settings, taken in turn by the dispatchers.
 */
import { familyOf, parseIp } from "../core/address.js";
import { lock, unlock } from "../core/lock.js";
import { MAX_SOURCES, type ServiceSettings } from "../core/model.js";

/** Lists of a service: of IPv4, then of IPv6. */
export const OUTGOING_LISTS = 2;

/** Of each service: index `slot * OUTGOING_LISTS`, and 1 more for IPv6. */
export interface OutgoingColumns {
  /** How many addresses there are. */
  readonly outgoingCount: Int32Array;
  /** Whose turn it is. */
  readonly outgoingTurn: Int32Array;
  /** MAX_SOURCES addresses of four words. */
  readonly outgoingAddress: Uint32Array;
}

/** Which list of a service is of this family. */
export function outgoingList(service: number, family: number): number {
  return service * OUTGOING_LISTS + (family === 6 ? 1 : 0);
}

/** Writes what a service is set to; its lock must be held. */
export function writeOutgoing(
  { outgoingCount, outgoingTurn, outgoingAddress }: OutgoingColumns,
  service: number,
  { source = [] }: ServiceSettings,
): void {
  for (const family of [4, 6]) {
    const list = outgoingList(service, family);
    const addresses = source.filter((address) => familyOf(address) === family);
    outgoingCount[list] = addresses.length;
    outgoingTurn[list] = 0;
    addresses.forEach((address, i) => {
      outgoingAddress.set(parseIp(address)!.words, (list * MAX_SOURCES + i) * 4);
    });
  }
}

/**
 * Takes the next address of a family in turn; leaves four zero words, any address, where the list has become empty. Hot
 * path: no allocation.
 */
export function takeOutgoing(
  columns: OutgoingColumns & { readonly lock: Int32Array },
  service: number,
  family: number,
  address: Uint32Array,
): void {
  const { outgoingCount, outgoingTurn, outgoingAddress } = columns;
  const list = outgoingList(service, family);
  lock(columns.lock, service);
  const count = outgoingCount[list];
  // An edit may have made the list shorter than the turn that was taken before it.
  const turn = outgoingTurn[list] < count ? outgoingTurn[list] : 0;
  outgoingTurn[list] = turn + 1;
  const from = (list * MAX_SOURCES + turn) * 4;
  for (let i = 0; i < 4; i++) address[i] = count === 0 ? 0 : outgoingAddress[from + i];
  unlock(columns.lock, service);
}
