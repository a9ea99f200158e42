/** The metrics of high availability against the status that they are made of, and against the manual. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import type { HaStatus, HeartbeatStatus } from "../../../src/core/ha-status.js";
import type { SyncStatus } from "../../../src/core/sync-settings.js";
import * as heartbeat from "../../../src/ha/heartbeat/counters.js";
import { zeroSyncCounters } from "../../../src/ha/sync/counters.js";
import * as vrrp from "../../../src/ha/vrrp/counters.js";
import { renderMetrics } from "../../../src/metrics/exposition.js";
import { HA_METRICS } from "../../../src/metrics/ha-metrics.js";
import { HEARTBEAT_COUNTERS } from "../../../src/metrics/heartbeat-metrics.js";
import { VRRP_COUNTERS } from "../../../src/metrics/instance-metrics.js";
import { haInstance, haStatus } from "../../helpers/ha-status.js";
import { parseExposition, sample } from "../../helpers/prometheus.js";

const SINCE = "2026-01-01T00:00:00.000Z";

const CLUSTER: HeartbeatStatus = {
  node: "lvs1",
  phase: "active",
  members: 2,
  hasQuorum: true,
  noQuorumPolicy: "stop",
  standby: [],
  nodes: [
    { name: "lvs1", state: "active", heardMsAgo: 0, holds: ["web", "db"], pings: 1, fencing: "not needed" },
    { name: "lvs2", state: "dead", holds: [], pings: 0, fencing: "wanted" },
  ],
  links: [
    { name: "eth0", hears: ["lvs2"] },
    { name: "eth1", trouble: "down", hears: [] },
  ],
  pings: [{ name: "10.0.0.254", state: "up" }],
  counters: { ...heartbeat.zeroCounters(), sent: 7, wrong_digest: 3, conflict: 1 },
};

const SYNC: SyncStatus = {
  node: "a",
  listen: "10.0.0.1:5694",
  tls: { subject: "CN=a", expires: "2027-01-01T00:00:00.000Z" },
  sources: [
    { address: "10.0.0.2:5694", node: "b", state: "connected", since: SINCE, received: 7 },
    { address: "10.0.0.3:5694", state: "waiting", since: SINCE, received: 0 },
  ],
  receivers: [
    { ...{ node: "b", address: "10.0.0.2:40000", since: SINCE, sent: 12, full: 2 }, ...slow(true, 0, 0) },
    { ...{ node: "c", address: "10.0.0.3:40000", since: SINCE, sent: 5, full: 1 }, ...slow(false, 2, 512) },
  ],
  counters: { ...zeroSyncCounters(), refusedTls: 4, silentPeers: 1, bytesSent: 99 },
};

function slow(isCurrent: boolean, unconfirmed: number, queuedBytes: number) {
  return { isCurrent, unconfirmed, queuedBytes };
}

const INSTANCE = haInstance({
  conflicts: 3,
  counters: { ...vrrp.zeroCounters(), advert_sent: 12, advert_rcvd: 4, auth_failure: 5 },
});
const STATUS: HaStatus = {
  ...haStatus(
    INSTANCE,
    haInstance({ protocol: "heartbeat", name: "web", master: undefined, vrrp: undefined }),
  ),
  primary: { loopDelay: { count: 9, p50Ms: 0.5, p99Ms: 2, maxMs: 40 } },
  heartbeat: CLUSTER,
  sync: SYNC,
};

const read = async (status: HaStatus) => parseExposition(await renderMetrics(HA_METRICS, status));

describe("the metrics of high availability", () => {
  let families: Awaited<ReturnType<typeof read>>;
  before(async () => {
    families = await read(STATUS);
  });
  const is = (name: string, labels: string, value: number | undefined): void =>
    assert.equal(sample(families, name, labels), value, `${name}{${labels}}`);

  test("say of an instance what its status says", () => {
    const of = 'name="VI_51",protocol="vrrp"';
    for (const state of ["INIT", "BACKUP", "MASTER", "FAULT"]) {
      is("uvs_ha_instance_state", `${of},state="${state}"`, Number(state === INSTANCE.state));
    }
    is("uvs_ha_instance_state_start_time_seconds", of, Date.parse(INSTANCE.since) / 1000);
    is("uvs_ha_instance_priority", of, INSTANCE.priority);
    is("uvs_ha_instance_base_priority", of, INSTANCE.basePriority);
    is("uvs_ha_instance_transitions_total", of, INSTANCE.transitions);
    is("uvs_ha_instance_conflicts_total", of, INSTANCE.conflicts);
    is("uvs_ha_instance_holds_addresses", of, 1);
    is("uvs_ha_instance_resources_state", `${of},state="started"`, 1);
    is("uvs_ha_instance_last_advertisement_age_seconds", of, 12);
    is("uvs_ha_instance_last_advertisement_age_seconds", 'name="web",protocol="heartbeat"', undefined);
    is("uvs_ha_instance_timer_late_max_seconds", of, 0.0017);
  });

  test("count advertisements, and refused packets by reason", () => {
    is("uvs_vrrp_advertisements_sent_total", 'name="VI_51"', 12);
    is("uvs_vrrp_advertisements_received_total", 'name="VI_51"', 4);
    is("uvs_vrrp_rejected_total", 'name="VI_51",reason="auth_failure"', 5);
    is("uvs_vrrp_rejected_total", 'name="VI_51",reason="ip_ttl_err"', 0);
    is("uvs_vrrp_unknown_router_packets_total", 'vrid="7"', 2);
    is("uvs_vrrp_advertisements_sent_total", 'instance="web"', undefined);
  });

  test("say of a cluster what its status says", () => {
    is("uvs_heartbeat_members", "", 2);
    is("uvs_heartbeat_quorum", "", 1);
    is("uvs_heartbeat_phase", 'state="active"', 1);
    is("uvs_heartbeat_node_state", 'node="lvs2",state="dead"', 1);
    is("uvs_heartbeat_node_state", 'node="lvs1",state="dead"', 0);
    is("uvs_heartbeat_node_groups_held", 'node="lvs1"', 2);
    is("uvs_heartbeat_node_last_heard_age_seconds", 'node="lvs2"', undefined);
    is("uvs_heartbeat_link_usable", 'link="eth1"', 0);
    is("uvs_heartbeat_ping_state", 'ping="10.0.0.254",state="up"', 1);
    is("uvs_heartbeat_datagrams_sent_total", "", 7);
    is("uvs_heartbeat_conflicts_total", "", 1);
    is("uvs_heartbeat_rejected_total", 'reason="wrong_digest"', 3);
  });

  test("say of the links to peers what their status says", () => {
    is("uvs_sync_listening", "", 1);
    is("uvs_sync_certificate_expiry_time_seconds", "", Date.parse("2027-01-01T00:00:00Z") / 1000);
    is("uvs_sync_source_up", 'peer="10.0.0.2:5694"', 1);
    is("uvs_sync_source_up", 'peer="10.0.0.3:5694"', 0);
    is("uvs_sync_source_templates_received_total", 'peer="10.0.0.2:5694"', 7);
    is("uvs_sync_receivers", "", 2);
    is("uvs_sync_receiver_templates_sent_total", 'node="b"', 12);
    is("uvs_sync_receiver_resynchronisations_total", 'node="b"', 2);
    is("uvs_sync_receiver_current", 'node="c"', 0);
    is("uvs_sync_receiver_unconfirmed_messages", 'node="c"', 2);
    is("uvs_sync_receiver_queued_bytes", 'node="c"', 512);
    is("uvs_sync_refused_total", 'reason="tls"', 4);
    is("uvs_sync_given_up_total", 'reason="silent"', 1);
    is("uvs_sync_sent_bytes_total", "", 99);
  });

  test("say how late the event loops are", () => {
    is("uvs_event_loop_delay_seconds", 'quantile="1",thread="control"', 0.04);
    is("uvs_event_loop_delay_seconds", 'quantile="0.99",thread="ha"', 0.001);
  });

  test("are few where nothing is configured", async () => {
    assert.deepEqual([...(await read({ isConfigured: false, instances: [] })).keys()], ["uvs_ha_configured"]);
  });

  test("have the labels that they are said to have, and names that end with their unit", () => {
    for (const { name, kind, labels } of HA_METRICS) {
      assert.equal(kind === "counter", name.endsWith("_total"), name);
      const samples = families.get(name)?.samples ?? assert.fail(`${name} is there`);
      for (const key of samples.keys()) {
        const found = [...key.matchAll(/(\w+)="/g)].map(([, label]) => label);
        assert.deepEqual(found, [...labels].sort(), name);
      }
    }
  });
});

test("counters that are no reasons for refusing packets have metrics of their own", () => {
  assert.deepEqual(Object.keys(VRRP_COUNTERS).sort(), Object.keys(vrrp.INSTANCE_COUNTERS).sort());
  assert.deepEqual(Object.keys(HEARTBEAT_COUNTERS).sort(), Object.keys(heartbeat.HEARTBEAT_COUNTERS).sort());
});

test("docs/metrics.md lists exactly the metrics, with their kind, labels and help", () => {
  const manual = readFileSync(new URL("../../../../docs/metrics.md", import.meta.url), "utf8");
  const listed = [...manual.matchAll(/^\| `(uvs_\w+)` \| (\w+) \| (.*) \| (.*) \|$/gm)].map(
    ([, ...row]) => row,
  );
  const known = HA_METRICS.map(({ name, kind, labels, help }) => [
    name,
    kind,
    labels.map((label) => `\`${label}\``).join(", "),
    help,
  ]);
  assert.deepEqual(listed, known);
});
