/** wrk with one thread. */
import { join } from "node:path";
import { repository } from "../system/repository.js";
import type { LoadResult, LoadTool } from "./load.js";

const UPLOAD_SCRIPT = join(repository, "bench/load/upload.lua");

export const wrk: LoadTool = {
  name: "wrk",
  caveat: "",
  command: ({ url, connections, seconds, close, bodyBytes }) => [
    ...(bodyBytes === undefined ? [] : ["env", `UPLOAD_BYTES=${bodyBytes}`]),
    "wrk",
    "--threads=1",
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    "--timeout=10s",
    "--latency",
    ...(close ? ["--header=Connection: close"] : []),
    ...(bodyBytes === undefined ? [] : [`--script=${UPLOAD_SCRIPT}`]),
    url,
  ],
  parse: parseWrk,
};

const UNIT_MS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3600e3 };

/** Reads what `wrk --latency` prints. @throws Error naming the line that is missing */
export function parseWrk(output: string): LoadResult {
  const find = (what: string, pattern: RegExp): RegExpExecArray => {
    const match = pattern.exec(output);
    if (match === null) throw new Error(`wrk: no line for ${what} in its output: ${output.trim()}`);
    return match;
  };
  const latencyMs = (percentile: number) => {
    // wrk pads units of one letter with a blank.
    const pattern = new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s|m|h) *$`, "m");
    const [, value, unit] = find(`the ${percentile}th percentile`, pattern);
    return Number(value) * UNIT_MS[unit];
  };
  const socketErrors = /^\s+Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$/m.exec(
    output,
  );
  const badAnswers = /^\s+Non-2xx or 3xx responses: (\d+)$/m.exec(output);
  const errors = [...(socketErrors?.slice(1) ?? []), ...(badAnswers?.slice(1) ?? [])];
  return {
    requests: Number(find("requests", /^\s+(\d+) requests in /m)[1]),
    perSecond: Number(find("requests per second", /^Requests\/sec:\s+([\d.]+)$/m)[1]),
    p50Ms: latencyMs(50),
    p99Ms: latencyMs(99),
    errors: errors.reduce((sum, count) => sum + Number(count), 0),
  };
}
