/**
 * The system calls with a counter each. A count is exact, is the same on every machine, and grows with the first call too
 * many: that is what a regression guard needs, and what a stop-watch cannot give.
 */
import type { Libc } from "../../src/dataplane/native/libc.js";

/** The calls that are counted: all functions of the interface, in its order. */
export function countedCalls(libc: Libc): readonly (keyof Libc)[] {
  return (Object.keys(libc) as (keyof Libc)[]).filter((name) => name !== "allocate");
}

/**
 * Wraps `libc`.
 * @param counts one element a call, in the order of `countedCalls`; shared with the thread that reads them
 */
export function countingLibc(libc: Libc, counts: Int32Array): Libc {
  const wrapped = { ...libc } as unknown as Record<string, (...args: number[]) => unknown>;
  for (const [index, name] of countedCalls(libc).entries()) {
    const call = libc[name] as unknown as (...args: number[]) => unknown;
    wrapped[name] = (a, b, c, d, e, f) => {
      counts[index]++;
      return call(a, b, c, d, e, f);
    };
  }
  return wrapped as unknown as Libc;
}
