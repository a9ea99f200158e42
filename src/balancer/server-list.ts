/** The linked list of a service's realservers, newest first, as the kernel's `svc->destinations`. The lock is held. */
import { NONE } from "../schedulers/columns.js";
import type { BalancerColumns } from "./columns.js";

/** Puts a realserver in front of the list. */
export function linkFirst({ services, servers }: BalancerColumns, service: number, server: number): void {
  const first = services.head[service];
  servers.next[server] = first;
  servers.previous[server] = NONE;
  if (first !== NONE) servers.previous[first] = server;
  services.head[service] = server;
  services.serverCount[service]++;
}

/** Takes a realserver out of the list; its own links go on naming its former neighbours. */
export function unlink({ services, servers }: BalancerColumns, service: number, server: number): void {
  const next = servers.next[server];
  const previous = servers.previous[server];
  if (previous === NONE) services.head[service] = next;
  else servers.next[previous] = next;
  if (next !== NONE) servers.previous[next] = previous;
  services.serverCount[service]--;
}

/** The realserver slots of a service, newest first. */
export function* serversOf({ services, servers }: BalancerColumns, service: number): Iterable<number> {
  for (let server = services.head[service]; server !== NONE; server = servers.next[server]) yield server;
}
