/** A micro benchmark: one hot function, or one program, by itself and beside nothing else. */

/** One line of its result, in microseconds. */
export interface MicroResult {
  readonly what: string;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** The 99th percentile that is to be kept below, if there is one. */
  readonly targetUs?: number;
  /** The same for the median. */
  readonly p50TargetUs?: number;
}

/** See the file's head. */
export interface Micro {
  readonly name: string;
  readonly title: string;
  measure(): readonly MicroResult[];
}

/** Times every call by itself. @param call is given 0, 1, ... @returns microseconds, sorted */
export function timeEach(count: number, call: (i: number) => void): Float64Array {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    call(i);
    times[i] = (performance.now() - from) * 1000;
  }
  return times.sort();
}

/** One line of sorted times. */
export function summariseTimes(what: string, times: Float64Array, targetUs?: number): MicroResult {
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { what, p50Us: at(0.5), p99Us: at(0.99), maxUs: at(1), ...(targetUs !== undefined && { targetUs }) };
}
