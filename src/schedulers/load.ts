/**
 * What "loaded" means, and how loads are compared: the arithmetic that lc, wlc, sed, nq, lblc, lblcr and twos share.
 *
 * A load is a count divided by a weight. It is never divided: `a / v > b / w` is asked as `a * w > b * v`, as in the
 * kernel, whose products are 64-bit signed integers.
 */
import { NONE, type SchedulerColumns, type ServerColumns, UNUSABLE } from "./columns.js";

/** Whether a realserver may take a new connection: weight above 0, not over its threshold, not excluded. Hot path. */
export function isUsable(servers: ServerColumns, server: number): boolean {
  return servers.weight[server] > 0 && (servers.flags[server] & UNUSABLE) === 0;
}

/**
 * 256 connections that only linger weigh as much as one that is active. Hot path.
 * @returns a 32-bit integer that wraps like the kernel's (`ip_vs_dest_conn_overhead`, include/net/ip_vs.h)
 */
export function overhead(servers: ServerColumns, server: number): number {
  return ((servers.active[server] << 8) + servers.inactive[server]) | 0;
}

/**
 * Whether `a * w > b * v`, exactly, for any 32-bit signed integers. Hot path.
 *
 * Rounding to a double never turns the order of two products round, so where the rounded ones differ the answer is right.
 * Where they are equal, the exact products (below 2^62, each rounded by at most 2^8) lie within 2^9 of each other, so
 * their difference is the difference of their low 32 bits.
 */
export function exceeds(a: number, w: number, b: number, v: number): boolean {
  const left = a * w;
  const right = b * v;
  if (left !== right) return left > right;
  return ((Math.imul(a, w) - Math.imul(b, v)) | 0) > 0;
}

/**
 * The usable realserver with the least overhead for its weight, the first in the list on a tie: the rule of wlc, which
 * lblc and lblcr fall back on (`ip_vs_wlc_schedule`, `__ip_vs_lblc_schedule`). Hot path.
 * @returns a realserver slot, or NONE
 */
export function leastLoaded(columns: SchedulerColumns, service: number): number {
  const { servers } = columns;
  const { next, weight } = servers;
  let least = NONE;
  let leastOverhead = 0;
  for (let server = columns.services.head[service]; server !== NONE; server = next[server]) {
    if (!isUsable(servers, server)) continue;
    const serverOverhead = overhead(servers, server);
    if (least === NONE || exceeds(leastOverhead, weight[server], serverOverhead, weight[least])) {
      least = server;
      leastOverhead = serverOverhead;
    }
  }
  return least;
}

/**
 * The usable realserver with the shortest expected delay: the least (active + 1) for its weight, the first in the list on a
 * tie; inactive connections do not count (`ip_vs_sed_schedule`, `ip_vs_nq_schedule`). Hot path.
 * @param takesIdle the first idle one is taken at once, even the lightest
 * @returns a realserver slot, or NONE
 */
export function leastDelayed(
  { services, servers }: SchedulerColumns,
  service: number,
  takesIdle: boolean,
): number {
  const { next, weight, active } = servers;
  let least = NONE;
  for (let server = services.head[service]; server !== NONE; server = next[server]) {
    if (!isUsable(servers, server)) continue;
    if (takesIdle && active[server] === 0) return server;
    if (least === NONE || exceeds(active[least] + 1, weight[server], active[server] + 1, weight[least])) {
      least = server;
    }
  }
  return least;
}

/**
 * Whether lblc and lblcr leave a realserver: it has more active connections than its weight while another one is less
 * than half used (`is_overloaded`, ip_vs_lblc.c; that one's flags are not asked for). Hot path.
 */
export function isOverburdened(columns: SchedulerColumns, service: number, server: number): boolean {
  const { next, weight, active } = columns.servers;
  if (active[server] <= weight[server]) return false;
  for (let other = columns.services.head[service]; other !== NONE; other = next[other]) {
    if (active[other] * 2 < weight[other]) return true;
  }
  return false;
}
