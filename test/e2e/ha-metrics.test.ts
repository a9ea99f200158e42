/** The metrics of real directors against their status. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../helpers/control-fixture.js";
import { parseExposition, sample } from "../helpers/prometheus.js";
import { askAll, CLIENTS, connected, knows, pair, SYNC_PORT } from "../helpers/sync-directors.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const METRICS_PORT = 28734;

test("two directors that share templates say in their metrics what their status says", async (t) => {
  const { vips, addresses, start } = await pair(t);
  const [a, b] = [await start(0), await start(1)];
  await connected(a, b);
  await askAll(vips[0]);
  await knows(b, CLIENTS.length);
  const [teller, learner] = await Promise.all(
    [a, b].map(async ({ socket }) => {
      const { status, body } = await ask(socket, "GET", "/metrics");
      assert.equal(status, 200);
      return parseExposition(body as string);
    }),
  );
  const { sync } = await a.client.haStatus();
  const node = 'node="director-1"';
  assert.equal(sample(teller, "uvs_ha_configured"), 1);
  assert.equal(sample(teller, "uvs_sync_listening"), 1);
  assert.equal(sample(teller, "uvs_sync_receivers"), 1);
  assert.equal(sample(teller, "uvs_sync_receiver_templates_sent_total", node), sync?.receivers[0].sent);
  assert.equal(sample(teller, "uvs_sync_receiver_resynchronisations_total", node), sync?.receivers[0].full);
  assert.equal(sample(teller, "uvs_sync_connects_total"), sync?.counters["connects"]);
  assert.ok((sample(teller, "uvs_event_loop_delay_seconds", 'quantile="1",thread="control"') ?? -1) >= 0);
  const peer = `peer="${addresses[0]}:${SYNC_PORT}"`;
  assert.equal(sample(learner, "uvs_sync_source_up", peer), 1);
  const received = (await b.client.haStatus()).sync?.sources[0].received;
  assert.ok(received !== undefined && received >= CLIENTS.length, "it has learned them");
  assert.equal(sample(learner, "uvs_sync_source_templates_received_total", peer), received);

  assert.equal(await a.stop(), 0);
  await waitFor("the metrics say that the peer is gone", async () => {
    const { body } = await ask(b.socket, "GET", "/metrics");
    const families = parseExposition(body as string);
    return sample(families, "uvs_sync_source_up", peer) === 0 && sample(families, "uvs_sync_receivers") === 0;
  });
});

test("a director answers over TCP what its control socket answers, where its configuration says so", async (t) => {
  const address = loopbackAddress();
  const uvsd = await Uvsd.start(t, { config: `metrics: { listen: "${address}:${METRICS_PORT}" }` });
  const answer = await fetch(`http://${address}:${METRICS_PORT}/metrics`);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), (await ask(uvsd.socket, "GET", "/metrics")).body);
  assert.deepEqual((await uvsd.client.runningConfig()).metrics, { listen: { address, port: METRICS_PORT } });
  assert.equal(await uvsd.stop(), 0);
});
