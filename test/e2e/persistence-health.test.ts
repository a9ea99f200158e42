/**
 * What becomes of a client's template, and of its open connection, when checks take its realserver down: for each way to
 * take it down and each value of both sysctls. The realserver itself goes on answering, so that nothing but the check and
 * the sysctls decide.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { config, FAST, freePort, get, isIn, isOut, WebServer } from "../helpers/checked-service.js";
import { loopbackAddress, outcome, receive } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";

interface Combination {
  readonly onDown: "quiesce" | "remove";
  readonly quiescent: 0 | 1;
  readonly nodest: 0 | 1;
}

const COMBINATIONS = (["quiesce", "remove"] as const).flatMap((onDown) =>
  ([0, 1] as const).flatMap((quiescent) =>
    ([0, 1] as const).map((nodest): Combination => ({ onDown, quiescent, nodest })),
  ),
);

async function start(t: TestContext, { onDown, quiescent, nodest }: Combination) {
  const servers = [
    await WebServer.start(t, loopbackAddress()),
    await WebServer.start(t, loopbackAddress()),
  ] as const;
  const port = await freePort();
  const rest = `persistence: { timeout: 300s }
health: { type: http, path: /health, ${FAST} }
on-down: ${onDown}`;
  const uvsd = await Uvsd.start(t, { config: config(port, servers, rest) });
  await uvsd.client.setSysctl("expire_quiescent_template", quiescent);
  await uvsd.client.setSysctl("expire_nodest_conn", nodest);
  for (const server of servers) await isIn(uvsd, server);
  return { uvsd, servers, port };
}

/** A connection that has asked nothing yet. */
async function hold(t: TestContext, port: number) {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

for (const combination of COMBINATIONS) {
  const { onDown, quiescent, nodest } = combination;
  const holds = onDown === "quiesce" && quiescent === 0;
  const goesOn = onDown === "quiesce" || nodest === 0;
  const name = `health down, ${onDown}, expire_quiescent_template ${quiescent}, expire_nodest_conn ${nodest}`;

  test(`${name}: the template ${holds ? "holds" : "does not hold"}, the connection ${goesOn ? "goes on" : "is reset"}`, async (t) => {
    const { uvsd, servers, port } = await start(t, combination);
    const before = await get(port);
    const [own, other] = before === servers[0].address ? servers : [servers[1], servers[0]];
    const held = await hold(t, port);
    await own.silent(1);
    const ending = goesOn ? undefined : outcome(held);

    own.isWell = false;
    await isOut(uvsd, own);
    const expected = holds ? own.address : other.address;
    assert.equal(await get(port), expected, "while it is down");
    if (ending === undefined) {
      held.end("GET / HTTP/1.0\r\n\r\n");
      assert.match((await receive(held)).toString(), new RegExp(own.address));
    } else assert.equal(await ending, "reset");

    own.isWell = true;
    await isIn(uvsd, own);
    assert.equal(await get(port), expected, "when it is up again");
  });
}
