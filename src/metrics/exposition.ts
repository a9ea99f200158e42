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
export function renderMetrics<Status>(metrics: readonly Metric<Status>[], status: Status): string {
  return metrics
    .map((metric) => {
      const samples = metric.read(status);
      if (samples.length === 0) return "";
      const { name, kind, help } = metric;
      const lines = samples.map(({ labels = {}, value }) => `${name}${renderLabels(labels)} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
    })
    .join("");
}

/** One sample for each of the states: 1 for the one that it is, 0 for the others. */
export function stateSamples(
  states: readonly string[],
  is: string,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  return states.map((state) => ({ labels: { ...labels, state }, value: Number(state === is) }));
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
