/** The metrics of two directors that share an address by VRRP, against their status and the state of the other one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../helpers/control-fixture.js";
import { type MetricFamily, parseExposition, sample } from "../helpers/prometheus.js";
import { Uvsd } from "../helpers/uvsd.js";
import { labMissing, VrrpLab } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const VIP = "10.79.0.100";
const OF = 'name="VI_51",protocol="vrrp"';

async function metricsOf({ socket }: Uvsd): Promise<Map<string, MetricFamily>> {
  return parseExposition((await ask(socket, "GET", "/metrics")).body as string);
}

test("directors with a floating address say in their metrics what their status says", { skip }, async (t) => {
  const lab = new VrrpLab();
  try {
    const hosts = [lab.addHost("a", 1), lab.addHost("b", 2)];
    const [a, b] = await Promise.all(
      hosts.map(({ namespace }, i) =>
        Uvsd.start(t, {
          prefix: ["ip", "netns", "exec", namespace],
          config: `threads: 1
ha:
  floating: [ { address: ${VIP}/24, interface: eth0 } ]
  vrrp: { id: 51, interface: eth0, version: 3, priority: ${150 - 50 * i}, advertise: 100ms }
`,
        }),
      ),
    );
    const isIn = async (uvsd: Uvsd, state: string) =>
      sample(await metricsOf(uvsd), "uvs_ha_instance_state", `${OF},state="${state}"`) === 1;
    await waitFor(
      "a is master, and b its backup",
      async () => {
        return (await isIn(a, "MASTER")) && (await isIn(b, "BACKUP"));
      },
      30_000,
    );

    const first = await metricsOf(a);
    const [status] = (await a.client.haStatus()).instances;
    assert.equal(sample(first, "uvs_ha_instance_priority", OF), status.priority);
    assert.equal(sample(first, "uvs_ha_instance_transitions_total", OF), status.transitions);
    assert.equal(sample(first, "uvs_ha_instance_conflicts_total", OF), status.conflicts);
    assert.equal(sample(first, "uvs_ha_instance_holds_addresses", OF), 1);
    assert.ok((sample(first, "uvs_ha_instance_announcements_total", OF) ?? 0) > 0);
    const sent = (families: Map<string, MetricFamily>): number =>
      sample(families, "uvs_vrrp_advertisements_sent_total", 'name="VI_51"') ?? 0;
    await waitFor("more advertisements are sent", async () => sent(await metricsOf(a)) > sent(first));

    const second = await metricsOf(b);
    assert.equal(sample(second, "uvs_ha_instance_holds_addresses", OF), 0);
    assert.ok((sample(second, "uvs_vrrp_advertisements_received_total", 'name="VI_51"') ?? 0) > 0);
    assert.ok((sample(second, "uvs_ha_instance_last_advertisement_age_seconds", OF) ?? -1) >= 0);
    assert.equal(sample(second, "uvs_vrrp_rejected_total", 'name="VI_51",reason="auth_failure"'), 0);
    assert.ok((sample(second, "uvs_event_loop_delay_seconds", 'quantile="1",thread="ha"') ?? -1) >= 0);
  } finally {
    lab.destroy();
  }
});
