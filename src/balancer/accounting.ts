/**
 * Active and inactive connections of a realserver, and the overload flag that follows from them: the kernel's
 * `ip_vs_bind_dest`, `ip_vs_unbind_dest`, `ip_vs_dest_update_overload` (net/netfilter/ipvs/ip_vs_conn.c, ip_vs_ctl.c) and
 * the time-outs of closed connections (ip_vs_proto_tcp.c).
 *
 * A closed connection goes on counting as inactive until the time-out of its last state: TIME_WAIT 120 s after an orderly
 * end, CLOSE 10 s after a reset. It waits in its realserver's wheel, a counter per tick instead of a timer each.
 *
 * All functions: the service's lock is held. Hot path.
 */
import { ServerFlag } from "../schedulers/columns.js";
import { type BalancerColumns, type BalancerServerColumns, TICKS_PER_SEC, WHEEL_TICKS } from "./columns.js";

/**
 * How long a closed connection counts on, by `Ending`: FINISHED is TIME_WAIT, RESET is CLOSE (ip_vs_proto_tcp.c). A UDP
 * flow whose realserver refused it ends by RESET too: without that, lc would send everybody to the realserver that serves
 * nobody.
 */
export const LINGER_TICKS = [120 * TICKS_PER_SEC, 10 * TICKS_PER_SEC, 0, 0] as const;

/** Counts a new connection: active from the start, as SYN_RECV is in the kernel (recording dead-server). */
export function bindConnection(servers: BalancerServerColumns, server: number): void {
  servers.active[server]++;
  servers.scheduled[server]++;
  markWhenFull(servers, server);
}

/** Counts a new UDP flow: inactive for as long as it lives (recording udp-rr). */
export function bindFlow(servers: BalancerServerColumns, server: number): void {
  servers.inactive[server]++;
  servers.scheduled[server]++;
  markWhenFull(servers, server);
}

/** Forgets a connection that never reached its realserver. */
export function unbindPending(servers: BalancerServerColumns, server: number): void {
  servers.active[server]--;
  clearWhenBelow(servers, server);
}

/** The first FIN was seen. */
export function deactivate(servers: BalancerServerColumns, server: number): void {
  servers.active[server]--;
  servers.inactive[server]++;
}

/** An inactive connection was closed: it counts on until its last state's time-out. @param ticks of LINGER_TICKS */
export function linger(columns: BalancerColumns, server: number, ticks: number): void {
  // One tick more: the present tick has begun already, and no connection may be forgotten early.
  const due = (columns.clock[0] + ticks + 1) % WHEEL_TICKS;
  columns.servers.wheel[server * WHEEL_TICKS + due]++;
  columns.servers.expiring[server]++;
}

/** Forgets `count` inactive connections. */
export function unbindConnections(servers: BalancerServerColumns, server: number, count: number): void {
  servers.inactive[server] -= count;
  clearWhenBelow(servers, server);
}

/** Stops counting what is due at this tick. */
export function expireTick(servers: BalancerServerColumns, server: number, tick: number): void {
  const place = server * WHEEL_TICKS + (tick % WHEEL_TICKS);
  const due = servers.wheel[place];
  if (due === 0) return;
  servers.wheel[place] = 0;
  servers.expiring[server] -= due;
  unbindConnections(servers, server, due);
}

/** Judges by new thresholds at once, as kernels do since the overload fix that golden/thresh-edit recorded. */
export function judgeThresholds(servers: BalancerServerColumns, server: number): void {
  if (!markWhenFull(servers, server)) clearWhenBelow(servers, server);
}

function markWhenFull(servers: BalancerServerColumns, server: number): boolean {
  const upper = servers.upperThreshold[server];
  if (upper === 0 || servers.active[server] + servers.inactive[server] < upper) return false;
  servers.flags[server] |= ServerFlag.OVERLOADED;
  return true;
}

function clearWhenBelow(servers: BalancerServerColumns, server: number): void {
  const total = servers.active[server] + servers.inactive[server];
  const lower = servers.lowerThreshold[server];
  const upper = servers.upperThreshold[server];
  // Without a lower threshold, three quarters of the upper one (strictly below).
  const isBelow = lower !== 0 ? total < lower : upper === 0 || total * 4 < upper * 3;
  if (isBelow) servers.flags[server] &= ~ServerFlag.OVERLOADED;
}
