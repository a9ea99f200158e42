import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import type { ListenerSpec } from "../../../../src/dataplane/dataplane.js";
import type { NetListener } from "../../../../src/dataplane/net/listener.js";
import { NetPlane } from "../../../../src/dataplane/net/plane.js";
import { type BoundHandle, bindHandle, HandleEcho } from "../../../helpers/handle-echo.js";
import { PlaneBench, type PlaneStart } from "../../../helpers/plane-harness.js";
import { ScriptedDispatcher } from "../../../helpers/scripted-dispatcher.js";
import {
  connectTo,
  echo,
  loopbackAddress,
  outcome,
  ping,
  startConnect,
  startRealserver,
} from "../../../helpers/tcp.js";

const ANY = [0, 0, 0, 0] as const;

function startPlane(t: TestContext, start: PlaneStart): { plane: NetPlane; bench: PlaneBench } {
  const bench = new PlaneBench(start);
  const plane = new NetPlane({
    thread: 0,
    dispatcher: new ScriptedDispatcher(bench.script),
    memory: bench.memory,
    records: bench.ring,
    notify: (event) => bench.said.push(event),
  });
  t.after(() => plane.execute({ op: "stop" }));
  return { plane, bench };
}

/** A listener on a fresh address, as the `listen` command takes it. */
function listener(id: number): { address: string; port: number; spec: ListenerSpec } {
  const address = loopbackAddress();
  const { handle, port } = bindHandle(address, 0);
  return {
    address,
    port,
    spec: { id, service: 0, transport: "tcp" as const, family: 4, address: ANY, port, fd: -1, handle },
  };
}

const troubles = (bench: PlaneBench) =>
  bench.said.flatMap((said) => (said.event === "trouble" ? [said.message] : []));

test("a descriptor that is no socket is trouble, and the plane goes on", async (t) => {
  const realserver = await startRealserver(echo);
  t.after(realserver.close);
  const { plane, bench } = startPlane(t, { services: [{ servers: [realserver] }] });
  const spec = {
    id: 1,
    service: 0,
    transport: "tcp",
    family: 4,
    address: ANY,
    port: 80,
    fd: 65_535,
  } as const;
  plane.execute({ op: "listen", listener: spec });
  await bench.heard("trouble");
  assert.match(troubles(bench)[0], /^listener 1 \(port 80, descriptor 65535\): /);

  const good = listener(2);
  plane.execute({ op: "listen", listener: good.spec });
  await ping(await connectTo(good), "hello");
});

test("a paused listener that is unlistened is not asked for again", async (t) => {
  const realserver = await startRealserver(echo);
  t.after(realserver.close);
  const { plane, bench } = startPlane(t, { services: [{ servers: [realserver] }], maxConnections: 1 });
  const [kept, dropped] = [listener(1), listener(2)];
  plane.execute({ op: "listen", listener: kept.spec });
  plane.execute({ op: "listen", listener: dropped.spec });
  const client = await connectTo(kept);
  await ping(client, "hello");
  assert.equal(bench.count("acceptPaused"), 1);
  plane.execute({ op: "unlisten", listener: 2 });
  client.end();
  await bench.heard("wantListener");
  assert.deepEqual(
    bench.said.filter((said) => said.event === "wantListener"),
    [{ event: "wantListener", thread: 0, listener: 1 }],
  );
});

test("after drain a listener that comes late is closed", async (t) => {
  const realserver = await startRealserver(echo);
  t.after(realserver.close);
  const { plane, bench } = startPlane(t, { services: [{ servers: [realserver] }] });
  const early = listener(1);
  plane.execute({ op: "listen", listener: early.spec });
  const client = await connectTo(early);
  await ping(client, "hello");
  plane.execute({ op: "drain" });
  const late = listener(2);
  plane.execute({ op: "listen", listener: late.spec });
  await assert.rejects(connectTo(late), { code: "ECONNREFUSED" });
  client.end();
  await bench.heard("drained");
});

test("a connect that fails in this host is trouble, said once for many", async (t) => {
  // A broadcast address: connect(2) answers at once, and no realserver is at fault.
  const servers = [{ address: "255.255.255.255", port: 9 }];
  const { plane, bench } = startPlane(t, { services: [{ servers }] });
  const { spec, ...target } = listener(1);
  plane.execute({ op: "listen", listener: spec });
  const clients = Array.from({ length: 50 }, () => startConnect(target));
  assert.deepEqual(await Promise.all(clients.map(outcome)), new Array(50).fill("reset"));
  assert.equal(bench.count("connectFailed"), 50);
  const said = troubles(bench);
  assert.match(said[0], /^connect E[A-Z]+ 255\.255\.255\.255:9 .*redispatched; /);
  assert.ok(said.length < 50, `said ${said.length} times`);
});

test("when accepting fails for want of memory it pauses, and is taken up again", async (t) => {
  const { plane, bench } = startPlane(t, { services: [{ servers: [] }] });
  const { spec, ...target } = listener(1);
  plane.execute({ op: "listen", listener: spec });
  const error = Object.assign(new Error("accept ENOBUFS"), { syscall: "accept", code: "ENOBUFS" });
  plane.failed({ spec } as NetListener, error);
  await assert.rejects(connectTo(target), { code: "ECONNREFUSED" });
  assert.equal(bench.count("acceptStarved"), 1);
  assert.match(troubles(bench)[0], /^accept ENOBUFS: accepting pauses/);
  await bench.heard("wantListener");
});

test("a client that was reset before it was accepted is recorded, and nobody is asked", async (t) => {
  const realserver = await startRealserver(echo);
  const copies = new HandleEcho();
  t.after(realserver.close);
  t.after(() => copies.close());
  const { plane, bench } = startPlane(t, { services: [{ servers: [realserver] }], maxConnections: 1 });
  const { spec, ...target } = listener(1);
  const owned = spec.handle as BoundHandle;
  t.after(() => owned.close());
  plane.execute({ op: "listen", listener: { ...spec, handle: await copies.copy(owned) } });
  const first = await connectTo(target);
  await ping(first, "hello");
  const gone = await connectTo(target);
  gone.resetAndDestroy();
  await once(gone, "close");
  first.end();
  await bench.heard("wantListener");
  plane.execute({ op: "listen", listener: { ...spec, handle: await copies.copy(owned) } });
  const records = await bench.recorded(2);
  assert.deepEqual([records[1].end, records[1].client], ["clientGone", "0.0.0.0"]);
  assert.equal(bench.dispatcher.server(0).dispatched, 1);
});
