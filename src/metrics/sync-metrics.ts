/**
 * Metrics of the links between directors. A peer that this director learns from is labelled by its configured address, one
 * that learns from it by the name that it has proven to have; of those there are at most 16.
 */
import type { HaStatus } from "../core/ha-status.js";
import type { SyncReceiverStatus, SyncSourceStatus, SyncStatus } from "../core/sync-settings.js";
import type { Metric, Sample } from "./exposition.js";

const MS_PER_S = 1000;

function metric(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  labels: readonly string[],
  read: (sync: SyncStatus) => readonly Sample[],
): Metric<HaStatus> {
  return {
    name: `uvs_sync_${name}`,
    kind,
    help,
    labels,
    read: ({ sync }) => (sync === undefined ? [] : read(sync)),
  };
}

function perSource(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  read: (source: SyncSourceStatus) => number,
): Metric<HaStatus> {
  return metric(kind, `source_${name}`, help, ["peer"], ({ sources }) =>
    sources.map((source) => ({ labels: { peer: source.address }, value: read(source) })),
  );
}

function perReceiver(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  read: (receiver: SyncReceiverStatus) => number,
): Metric<HaStatus> {
  return metric(kind, `receiver_${name}`, help, ["node"], ({ receivers }) =>
    receivers.map((receiver) => ({ labels: { node: receiver.node }, value: read(receiver) })),
  );
}

/** A counter of all links. */
function total(name: string, help: string, counter: string): Metric<HaStatus> {
  return metric("counter", `${name}_total`, help, [], ({ counters }) => [{ value: counters[counter] ?? 0 }]);
}

/** Counters of all links that are one metric, by their reasons. */
function byReason(name: string, help: string, reasons: Readonly<Record<string, string>>): Metric<HaStatus> {
  return metric("counter", `${name}_total`, help, ["reason"], ({ counters }) =>
    Object.entries(reasons).map(([reason, counter]) => ({
      labels: { reason },
      value: counters[counter] ?? 0,
    })),
  );
}

export const SYNC_METRICS: readonly Metric<HaStatus>[] = [
  metric("gauge", "listening", "1: peers can connect.", [], ({ listenFailure }) => [
    { value: Number(listenFailure === undefined) },
  ]),
  metric(
    "gauge",
    "certificate_expiry_time_seconds",
    "When the own certificate ends, since 1970.",
    [],
    (sync) => (sync.tls === undefined ? [] : [{ value: Date.parse(sync.tls.expires) / MS_PER_S }]),
  ),
  perSource("gauge", "up", "1: this director learns from the peer.", ({ state }) =>
    Number(state === "connected"),
  ),
  perSource("counter", "templates_received_total", "Templates received.", ({ received }) => received),
  metric("gauge", "receivers", "Peers that learn from this director.", [], ({ receivers }) => [
    { value: receivers.length },
  ]),
  perReceiver("gauge", "current", "1: it has confirmed all that was sent.", (r) => Number(r.isCurrent)),
  perReceiver("gauge", "unconfirmed_messages", "Messages that it has not confirmed.", (r) => r.unconfirmed),
  perReceiver("gauge", "queued_bytes", "Bytes that wait for it to take them.", (r) => r.queuedBytes),
  perReceiver("counter", "templates_sent_total", "Templates sent over this connection.", (r) => r.sent),
  perReceiver("counter", "resynchronisations_total", "Times that it was sent everything.", (r) => r.full),
  total("connects", "Peers that have proven themselves.", "connects"),
  total("disconnects", "Ends of connections to such peers.", "disconnects"),
  byReason("refused", "Peers and messages that were refused, by reason.", {
    key: "refusedKeys",
    tls: "refusedTls",
    message: "refusedMessages",
  }),
  byReason("given_up", "Peers that were given up, by reason.", { slow: "slowPeers", silent: "silentPeers" }),
  total("messages_sent", "Messages sent.", "messagesSent"),
  total("messages_received", "Messages received.", "messagesReceived"),
  total("sent_bytes", "Bytes sent, inside of TLS.", "bytesSent"),
  total("received_bytes", "Bytes received, inside of TLS.", "bytesReceived"),
];
