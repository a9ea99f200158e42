import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { loadLibc } from "../../../../src/dataplane/native/libc.js";
import { AF_INET, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM } from "../../../../src/dataplane/native/linux.js";
import { SocketAddress } from "../../../../src/dataplane/native/sockaddr.js";
import { nativePlaneHarness } from "../../../helpers/native-plane-harness.js";
import { PlaneBench, type RunningPlane } from "../../../helpers/plane-harness.js";
import { connectTo, echo, outcome, ping, receive, startRealserver } from "../../../helpers/tcp.js";
import { waitFor } from "../../../helpers/wait-for.js";

const MSG_OOB = 1;
const libc = loadLibc();

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

async function withPlane(
  target: { address: string; port: number },
  body: (plane: RunningPlane, bench: PlaneBench) => Promise<void>,
): Promise<void> {
  const bench = new PlaneBench({ services: [{ servers: [target] }] });
  const plane = await nativePlaneHarness().startPlane(bench);
  try {
    await body(plane, bench);
  } finally {
    await plane.stop();
  }
}

describe("the native plane", () => {
  test("leaves no descriptor open, whatever its connections did", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    // The first thread of a process opens descriptors that stay, such as those of the thread pool.
    await withPlane(realserver, async () => {});
    const before = descriptors();
    await withPlane(realserver, async (plane, bench) => {
      const { port } = await plane.listen(0, "127.82.0.1");
      const clients = [];
      for (let i = 0; i < 20; i++) clients.push(await connectTo({ address: "127.82.0.1", port }));
      await Promise.all(clients.map((client, i) => ping(client, "x".repeat(i % 2 ? 10 : 400_000))));
      for (const [i, client] of clients.entries()) {
        if (i % 3 === 0) client.resetAndDestroy();
        else client.destroy();
      }
      await waitFor("all connections are gone", () => bench.connections() === 0);
      plane.command({ op: "unlisten", listener: 1 });
      await bench.heard("unlistened");
    });
    await waitFor("every descriptor is closed", () => descriptors() <= before);
  });

  test("urgent data stays in the stream, and what follows it arrives", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane(realserver, async (plane) => {
      const { port } = await plane.listen(0, "127.82.0.2");
      const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const address = new SocketAddress(libc);
      assert.equal(libc.connect(fd, address.address, address.encode(4, [0x7f520002, 0, 0, 0], port)), 0);
      const served = await realserver.next();
      const text = libc.allocate(8);
      Buffer.from(text.buffer).write("abcdefgh");
      assert.equal(libc.send(fd, text.address, 4, MSG_NOSIGNAL | MSG_OOB), 4);
      assert.equal(libc.send(fd, text.address + 4, 4, MSG_NOSIGNAL), 4);
      libc.close(fd);
      assert.equal((await receive(served)).toString(), "abcdefgh");
    });
  });

  test("what a realserver sent before it broke off reaches the client before the reset", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane(realserver, async (plane, bench) => {
      const { port } = await plane.listen(0, "127.82.0.3");
      const client = await connectTo({ address: "127.82.0.3", port });
      const served = await realserver.next();
      let received = "";
      client.on("data", (chunk) => {
        received += chunk.toString();
      });
      served.write("413 too large");
      await once(client, "data");
      served.resetAndDestroy();
      assert.equal(await outcome(client), "reset");
      assert.equal(received, "413 too large");
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "realserverReset");
    });
  });

  test("a listening socket that comes after `drain` is closed", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    const before = descriptors();
    await withPlane(realserver, async (plane) => {
      plane.command({ op: "drain" });
      await plane.listen(0, "127.82.0.4");
    });
    await waitFor("every descriptor is closed", () => descriptors() <= before);
  });
});
