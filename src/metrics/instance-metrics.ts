/** Metrics of what moves between directors: virtual routers, resource groups. Labelled by their configured names. */
import type { HaInstanceStatus, HaStatus } from "../core/ha-status.js";
import { type Metric, type Sample, stateSamples } from "./exposition.js";

const STATES = ["INIT", "BACKUP", "MASTER", "FAULT"];
const RESOURCE_STATES = ["stopped", "starting", "started", "stopping", "failed"];
const MS_PER_S = 1000;

/** Counters of a virtual router that have a metric of their own; all others are reasons for refusing packets. */
export const VRRP_COUNTERS: Readonly<Record<string, readonly [metric: string, help: string]>> = {
  advert_sent: ["advertisements_sent_total", "Advertisements sent."],
  advert_rcvd: ["advertisements_received_total", "Advertisements accepted."],
  advert_send_err: ["advertisement_send_errors_total", "Advertisements that the system did not send."],
  become_master: ["become_master_total", "Times that the instance became master."],
  release_master: ["release_master_total", "Times that it ceased to be master."],
  pri_zero_sent: ["priority_zero_sent_total", "Advertisements with priority 0 sent: it has left."],
  pri_zero_rcvd: ["priority_zero_received_total", "Advertisements with priority 0 received: a master left."],
  addr_list_err: ["address_list_errors_total", "Accepted advertisements that name other addresses."],
  lower_prio_rcvd: ["lower_priority_received_total", "Times that a second, worse master was heard."],
  fenced: ["peers_fenced_total", "Peers that were fenced."],
  fence_failed: ["fence_failures_total", "Attempts to fence a peer that failed."],
  stalled: ["stalls_total", "Timers so late that another director may have taken over meanwhile."],
};

type Read = (instance: HaInstanceStatus) => number | undefined;

function perInstance(kind: "counter" | "gauge", name: string, help: string, read: Read): Metric<HaStatus> {
  return {
    name: `uvs_ha_instance_${name}`,
    kind,
    help,
    labels: ["protocol", "name"],
    read: ({ instances }) =>
      instances.flatMap((instance): Sample[] => {
        const value = read(instance);
        return value === undefined ? [] : [{ labels: labelsOf(instance), value }];
      }),
  };
}

function statesOf(
  name: string,
  help: string,
  states: readonly string[],
  is: (instance: HaInstanceStatus) => string,
): Metric<HaStatus> {
  return {
    name: `uvs_ha_instance_${name}`,
    kind: "gauge",
    help,
    labels: ["protocol", "name", "state"],
    read: ({ instances }) =>
      instances.flatMap((instance) => stateSamples(states, is(instance), labelsOf(instance))),
  };
}

const VRRP_METRICS = Object.entries(VRRP_COUNTERS).map(
  ([counter, [metric, help]]): Metric<HaStatus> => ({
    name: `uvs_vrrp_${metric}`,
    kind: "counter",
    help,
    labels: ["name"],
    read: ({ instances }) =>
      instances
        .filter(isRouter)
        .map(({ name, counters }) => ({ labels: { name }, value: counters[counter] ?? 0 })),
  }),
);

export const INSTANCE_METRICS: readonly Metric<HaStatus>[] = [
  statesOf("state", "1 for the state that the instance is in.", STATES, ({ state }) => state),
  perInstance(
    "gauge",
    "state_start_time_seconds",
    "When it came into this state, since 1970.",
    ({ since }) => {
      return Date.parse(since) / MS_PER_S;
    },
  ),
  perInstance("gauge", "priority", "Priority in effect; of a heartbeat group its score.", (i) => i.priority),
  perInstance("gauge", "base_priority", "Priority as configured.", (i) => i.basePriority),
  perInstance("gauge", "faults", "Reasons for which it cannot be master.", (i) => i.faults.length),
  perInstance("gauge", "standby", "1: an operator has put it to standby.", (i) => Number(i.isStandby)),
  perInstance("gauge", "addresses", "Floating addresses that it has.", (i) => i.addresses.length),
  perInstance("gauge", "holds_addresses", "1: they are on this director.", (i) => Number(i.holdsAddresses)),
  statesOf("resources_state", "1 for the state of its resources.", RESOURCE_STATES, (i) => i.resources),
  perInstance("counter", "transitions_total", "Changes of state.", (i) => i.transitions),
  perInstance(
    "counter",
    "conflicts_total",
    "Second masters heard while it stayed master.",
    (i) => i.conflicts,
  ),
  perInstance("counter", "announcements_total", "Gratuitous ARPs and NAs sent.", (i) => i.announcements),
  perInstance(
    "gauge",
    "last_advertisement_age_seconds",
    "Since the master was last heard; of a master, the second one.",
    ({ master }) => master && master.heardMsAgo / MS_PER_S,
  ),
  perInstance(
    "gauge",
    "down_interval_seconds",
    "Silence after which it takes over.",
    (i) => i.downMs / MS_PER_S,
  ),
  perInstance("gauge", "timer_late_max_seconds", "The latest that a timer of it ever was.", (i) => {
    return i.maxLateMs / MS_PER_S;
  }),
  ...VRRP_METRICS,
  {
    name: "uvs_vrrp_rejected_total",
    kind: "counter",
    help: "Packets for the virtual router that were refused, by reason.",
    labels: ["name", "reason"],
    read: ({ instances }) =>
      instances.filter(isRouter).flatMap(({ name, counters }) =>
        Object.entries(counters)
          .filter(([reason]) => !(reason in VRRP_COUNTERS))
          .map(([reason, value]) => ({ labels: { name, reason }, value })),
      ),
  },
  {
    name: "uvs_vrrp_unknown_router_packets_total",
    kind: "counter",
    help: "Packets for virtual routers that are not configured here.",
    labels: ["vrid"],
    read: ({ unknownVrids = [] }) =>
      unknownVrids.map(({ id, packets }) => ({ labels: { vrid: String(id) }, value: packets })),
  },
];

function labelsOf({ protocol, name }: HaInstanceStatus): Readonly<Record<string, string>> {
  return { protocol, name };
}

function isRouter({ protocol }: HaInstanceStatus): boolean {
  return protocol === "vrrp";
}
