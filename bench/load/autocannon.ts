/**
 * autocannon: a development dependency, so it is always there, but it is slower than what it loads. With one request a
 * connection it would send a second one into each that is about to be closed, and open more than it counts.
 */
import { join } from "node:path";
import { repository } from "../system/repository.js";
import type { LoadResult, LoadTool } from "./load.js";

export const autocannon: LoadTool = {
  name: "autocannon",
  caveat:
    "wrk is not installed: autocannon is slower than the balancers, and counts latency in whole milliseconds",
  command: ({ url, connections, seconds }) => [
    process.execPath,
    join(repository, "node_modules/autocannon/autocannon.js"),
    "--json",
    "--no-progress",
    `--connections=${connections}`,
    `--duration=${seconds}`,
    url,
  ],
  parse: parseAutocannon,
};

/** Reads what `autocannon --json` prints. @throws Error when a field is missing */
export function parseAutocannon(output: string): LoadResult {
  const report: unknown = JSON.parse(output);
  const field = (...path: string[]): number => {
    let value: unknown = report;
    for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key];
    if (typeof value !== "number") throw new Error(`autocannon: no number ${path.join(".")} in its output`);
    return value;
  };
  const requests = field("2xx");
  return {
    requests,
    perSecond: requests / field("duration"),
    p50Ms: field("latency", "p50"),
    p99Ms: field("latency", "p99"),
    errors: field("errors") + field("timeouts") + field("non2xx"),
  };
}
