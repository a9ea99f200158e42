/**
 * The timer of a template, without anything that runs: whoever looks at a template does what its timer would have done by
 * then (`ip_vs_conn_expire`, ip_vs_conn.c). `at` is the first word of its row.
 *
 * The templates' lock is held. Hot path.
 */
import { TICKS_PER_SEC } from "./columns.js";
import { EXPIRY, LINGER, OPEN, TIMEOUT, TIMEOUT_MASK } from "./template-columns.js";

/** By how much the timer of a template that controls a connection is put off. */
export const PUT_OFF_TICKS = 60 * TICKS_PER_SEC;

/** Puts the timer off as often as it has fired while connections were controlled. @returns whether the template is still there */
export function settle(words: Int32Array, at: number, now: number): boolean {
  if (words[at + EXPIRY] > now) return true;
  const isOpen = words[at + OPEN] > 0;
  while (words[at + EXPIRY] <= now) {
    if (!isOpen && words[at + LINGER] <= words[at + EXPIRY]) return false;
    words[at + EXPIRY] += PUT_OFF_TICKS;
    words[at + TIMEOUT] = (words[at + TIMEOUT] & ~TIMEOUT_MASK) | PUT_OFF_TICKS;
  }
  return true;
}

/** The tick at which a template without open connections ends, if it is not used again. */
export function endOf(words: Int32Array, at: number): number {
  const late = words[at + LINGER] - words[at + EXPIRY];
  return words[at + EXPIRY] + (late > 0 ? Math.ceil(late / PUT_OFF_TICKS) * PUT_OFF_TICKS : 0);
}
