/**
 * ISO 8601 text of times, thousands of them for one answer: what those of one second have in common is made once. A Date for
 * each takes several times as long.
 */

/** Turns monotonic milliseconds into ISO 8601. */
export type ToIso = (monotonicMs: number) => string;

const TAILS: readonly string[] = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, "0")}Z`);

/** @param offsetMs from monotonic time to milliseconds since 1970 */
export function isoTimes(offsetMs: number): ToIso {
  const heads = new Map<number, string>();
  return (monotonicMs) => {
    const ms = Math.trunc(offsetMs + monotonicMs);
    const second = Math.floor(ms / 1000);
    let head = heads.get(second);
    if (head === undefined) {
      head = new Date(1000 * second).toISOString().slice(0, -"000Z".length);
      heads.set(second, head);
    }
    return head + TAILS[ms - 1000 * second];
  };
}
