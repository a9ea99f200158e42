/** What the HTTP scenarios share: warm up, load, and divide processor time by what was answered. */

import type { LoadResult } from "../load/load.js";
import { runLoad } from "../load/run.js";
import { measureCpu } from "../measure/cpu.js";
import type { RunningPeer } from "../peers/peer.js";
import { text } from "../system/loopback.js";
import type { Bench, Sample } from "./scenario.js";

/** The load of a scenario. */
export interface HttpLoad {
  readonly path: string;
  readonly connections: number;
  readonly close: boolean;
  /** Sends a body of so many bytes. @default none */
  readonly bodyBytes?: number;
}

/** Result of a load with the processor time that it took, per request in microseconds. */
export interface HttpMeasurement extends LoadResult {
  /** Metrics `processUs` (not for `none`), `systemUs` and `busy`, the share of its core that the balancer used, in per cent. */
  readonly cpu: Sample;
}

/** What takes the load. */
export type Loaded = Pick<RunningPeer, "entry" | "pid">;

/** Runs the load twice, as a warm-up and measured. @throws Error on any failed request */
export async function measureHttp(peer: Loaded, bench: Bench, http: HttpLoad): Promise<HttpMeasurement> {
  const { profile } = bench;
  await loadHttp(peer, bench, http, profile.warmUpSeconds);
  return await loadHttp(peer, bench, http, profile.seconds);
}

/** Runs the load once. @throws Error on any failed request */
export async function loadHttp(
  peer: Loaded,
  { processes, load }: Bench,
  http: HttpLoad,
  seconds: number,
): Promise<HttpMeasurement> {
  const finish = measureCpu(peer.pid);
  const result = await runLoad(processes, load, {
    url: `http://${text(peer.entry)}${http.path}`,
    connections: http.connections,
    close: http.close,
    bodyBytes: http.bodyBytes,
    seconds,
  });
  const { processUs, systemUs, elapsedUs } = finish();
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed`);
  if (result.requests === 0) throw new Error("no request was answered");
  const whole = { systemUs: systemUs / result.requests };
  if (processUs === undefined) return { ...result, cpu: whole };
  const balancer = { processUs: processUs / result.requests, busy: (100 * processUs) / elapsedUs };
  return { ...result, cpu: { ...whole, ...balancer } };
}
