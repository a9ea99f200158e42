/** Greatest and common divisor of the weights in a service's list, for wrr and mh. Run on edits. */
import { NONE, type SchedulerColumns } from "./columns.js";

/** Greatest common divisor of the weights above 0, or 0 where there are none. @param weights a column of realservers */
export function commonDivisor(columns: SchedulerColumns, service: number, weights: Int32Array): number {
  let divisor = 0;
  for (let server = columns.services.head[service]; server !== NONE; server = columns.servers.next[server]) {
    divisor = gcd(divisor, weights[server]);
  }
  return divisor;
}

/** The greatest weight, or 0 where the list is empty. @param weights a column of realservers */
export function greatestWeight(columns: SchedulerColumns, service: number, weights: Int32Array): number {
  let greatest = 0;
  for (let server = columns.services.head[service]; server !== NONE; server = columns.servers.next[server]) {
    if (weights[server] > greatest) greatest = weights[server];
  }
  return greatest;
}

/** Euclid's; 0 is neutral. */
function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
