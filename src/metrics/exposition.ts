/** Metrics as text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4. */

/** What that text is, as HTTP says it. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One value, with what distinguishes it from others of its metric. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric, and how it is read from a status. */
export interface Metric<Status> {
  /** Ends with its unit, and a counter's with `_total`. */
  readonly name: string;
  readonly kind: "counter" | "gauge";
  /** One sentence. */
  readonly help: string;
  /** Names of its labels. */
  readonly labels: readonly string[];
  /** None: it is left out. */
  read(status: Status): readonly Sample[];
}

/** The metrics of a status as text. */
export async function renderMetrics<Status>(
  metrics: readonly Metric<Status>[],
  status: Status,
): Promise<string> {
  // Loaded when it is asked for the first time: most directors never are.
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  for (const metric of metrics) {
    const samples = metric.read(status);
    if (samples.length === 0) continue;
    const { name, kind, help, labels } = metric;
    const config = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === "counter") {
      const counter = new Counter(config);
      for (const { labels = {}, value } of samples) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(config);
      for (const { labels = {}, value } of samples) gauge.set(labels, value);
    }
  }
  return registry.metrics();
}

/** One sample for each of the states: 1 for the one that it is, 0 for the others. */
export function stateSamples(
  states: readonly string[],
  is: string,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  return states.map((state) => ({ labels: { ...labels, state }, value: Number(state === is) }));
}
