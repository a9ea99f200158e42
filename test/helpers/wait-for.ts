import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits until `condition` holds.
 * @param what the condition in words, for the error
 * @throws Error where it does not hold within `deadlineMs`
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await delay(5);
  }
}
