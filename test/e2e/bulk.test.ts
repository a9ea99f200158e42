/** Bytes in bulk, both ways at once over one connection: every one of them arrives, in order, and is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { bulkRealserver } from "../helpers/agents/bulk-realserver.js";
import { Child } from "../helpers/child.js";
import { exchange, seedOf } from "../helpers/keystream.js";
import { connectTo, loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";

const MIB = 1 << 20;

for (const [dataplane, size] of [
  ["native", 1024 * MIB],
  ["net", 128 * MIB],
] as const) {
  test(`${size / MIB} MiB each way at once arrive whole through the ${dataplane} plane`, async (t) => {
    const seed = seedOf(t);
    const realserver = new Child<typeof bulkRealserver>(
      t,
      new URL("../helpers/agents/bulk-realserver.js", import.meta.url),
    );
    const vip = loopbackAddress();
    const port = await realserver.ask("listen");
    const uvsd = await Uvsd.start(t, {
      config: `dataplane: ${dataplane}
services: [ { listen: "tcp://${vip}:8080", realservers: [ "127.0.0.1:${port}" ] } ]
`,
    });

    const serving = realserver.ask("serve", `down ${seed}`, size);
    const socket = await connectTo({ address: vip, port: 8080 });
    const [client, server] = await Promise.all([exchange(socket, `up ${seed}`, size), serving]);

    assert.deepEqual([client.received, server.received], [size, size]);
    assert.equal(server.receivedHash, client.sentHash, "SHA-256 of what the client sent");
    assert.equal(client.receivedHash, server.sentHash, "SHA-256 of what the realserver sent");
    const [{ totals }] = await uvsd.client.services();
    assert.deepEqual([totals.inBytes, totals.outBytes], [size, size]);
  });
}
