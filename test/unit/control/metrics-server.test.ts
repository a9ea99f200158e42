/** Metrics over TCP: what is answered, and to whom not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { MetricsServer } from "../../../src/control/metrics-server.js";
import { UvsError } from "../../../src/core/errors.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";
import { loopbackAddress } from "../../helpers/tcp.js";
import { waitFor } from "../../helpers/wait-for.js";

const PORT = 28733;
const TEXT = "# HELP uvs_test What it is.\n# TYPE uvs_test gauge\nuvs_test 1\n";

async function serve(t: TestContext, read = async () => TEXT) {
  const [address, logger] = [loopbackAddress(), new RecordingLogger()];
  const server = new MetricsServer({ endpoint: { address, port: PORT }, read, logger });
  t.after(() => server.stop());
  server.start();
  await waitFor("it listens", () => logger.messages.includes("metrics can be asked for"));
  return { url: `http://${address}:${PORT}`, address };
}

describe("metrics over TCP", () => {
  test("are answered as what Prometheus asks for", async (t) => {
    const { url } = await serve(t);
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(await answer.text(), TEXT);
  });

  test("are all that is answered", async (t) => {
    const { url } = await serve(t);
    for (const path of ["/", "/v1/status", "/v1/ha/standby", "/metrics/x"]) {
      assert.equal((await fetch(url + path)).status, 404, path);
    }
    const post = await fetch(`${url}/metrics`, { method: "POST", body: "x".repeat(100_000) });
    assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
    assert.equal((await fetch(`${url}/metrics`, { method: "HEAD" })).status, 200);
  });

  test("are refused with the reason where there are none now", async (t) => {
    const { url } = await serve(t, async () => {
      throw new UvsError("UNAVAILABLE", "high availability has died and is being started again");
    });
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.status, 503);
    assert.equal(await answer.text(), "high availability has died and is being started again\n");
  });

  test("have a bounded number of connections", async (t) => {
    const { address } = await serve(t);
    const sockets: Socket[] = Array.from({ length: 40 }, () => connect(PORT, address).on("error", () => {}));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    let closed = 0;
    for (const socket of sockets) socket.on("close", () => closed++).resume();
    await waitFor("the surplus was closed", () => closed === 8);
  });

  test("wait for an address that cannot be listened on yet, and say so once", async (t) => {
    const address = loopbackAddress();
    const blocker = createServer().listen(PORT, address);
    await once(blocker, "listening");
    t.after(() => blocker.close());
    const logger = new RecordingLogger();
    const server = new MetricsServer({ endpoint: { address, port: PORT }, read: async () => TEXT, logger });
    t.after(() => server.stop());
    server.start();
    await waitFor("it has failed", () => logger.records.length === 1);
    assert.match(logger.messages[0], /^metrics\.listen: .*:28733 cannot be listened on: EADDRINUSE/);
    await new Promise((resolve) => blocker.close(resolve));
    await waitFor("it listens", () => logger.messages.includes("metrics can be asked for"));
    assert.equal(logger.records.length, 2);
  });
});
