/** The metrics of high availability: of its instances, of a heartbeat cluster, of the links to peers, and of what runs it. */
import type { HaStatus } from "../core/ha-status.js";
import type { DurationSummary } from "../core/status.js";
import type { Metric, Sample } from "./exposition.js";
import { HEARTBEAT_METRICS } from "./heartbeat-metrics.js";
import { INSTANCE_METRICS } from "./instance-metrics.js";
import { SYNC_METRICS } from "./sync-metrics.js";

const MS_PER_S = 1000;

/** All of them, in the order of the text. */
export const HA_METRICS: readonly Metric<HaStatus>[] = [
  {
    name: "uvs_ha_configured",
    kind: "gauge",
    help: "1: the configuration has high availability.",
    labels: [],
    read: ({ isConfigured }) => [{ value: Number(isConfigured) }],
  },
  {
    name: "uvs_event_loop_delay_seconds",
    kind: "gauge",
    help: "How late an event loop came to what was due, since the start; quantile 1 is the latest.",
    labels: ["thread", "quantile"],
    read: ({ primary, thread }) => [
      ...delaySamples("control", primary?.loopDelay),
      ...delaySamples("ha", thread?.loopDelay),
    ],
  },
  {
    name: "uvs_ha_thread_restarts_total",
    kind: "counter",
    help: "Times that the thread of high availability died and was replaced.",
    labels: [],
    read: ({ thread }) => (thread === undefined ? [] : [{ value: thread.restarts }]),
  },
  {
    name: "uvs_ha_guardian_restarts_total",
    kind: "counter",
    help: "Times that the guardian died and was replaced.",
    labels: [],
    read: ({ guardian }) => (guardian === undefined ? [] : [{ value: guardian.restarts }]),
  },
  ...INSTANCE_METRICS,
  ...HEARTBEAT_METRICS,
  ...SYNC_METRICS,
];

function delaySamples(thread: string, delay: DurationSummary | undefined): Sample[] {
  if (delay === undefined) return [];
  const { p50Ms, p99Ms, maxMs } = delay;
  return Object.entries({ "0.5": p50Ms, "0.99": p99Ms, "1": maxMs }).map(([quantile, ms]) => ({
    labels: { thread, quantile },
    value: ms / MS_PER_S,
  }));
}
