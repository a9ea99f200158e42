import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import { connectCheck } from "../../src/health/checks/tcp.js";
import { type ExpectStep, expectCheck } from "../../src/health/checks/tcp-expect.js";
import { runProbe, told } from "../helpers/check-probe.js";
import {
  hangingTarget,
  outcome,
  refusingTarget,
  startRealserver,
  type TestRealserver,
} from "../helpers/tcp.js";

let realserver: TestRealserver | undefined;
afterEach(async () => {
  await realserver?.close();
  realserver = undefined;
});

async function start(serve: (socket: Socket) => void): Promise<TestRealserver> {
  realserver = await startRealserver(serve);
  return realserver;
}

describe("the connect check", () => {
  test("passes once connected, and resets the connection", async () => {
    const target = await start(() => {});
    assert.equal(told(await runProbe(connectCheck(), target)), "passed L4OK: connected");
    assert.equal(await outcome(await target.next()), "reset");
  });

  test("connects over IPv6", async () => {
    realserver = await startRealserver(() => {}, "::1");
    assert.equal(told(await runProbe(connectCheck(), realserver)), "passed L4OK: connected");
  });

  test("resolves a name where it is aimed at one", async () => {
    const { port } = await start(() => {});
    assert.equal(
      told(await runProbe(connectCheck(), { address: "localhost", port })),
      "passed L4OK: connected",
    );
  });

  test("fails where the connection is refused, or not answered in time", async () => {
    assert.equal(
      told(await runProbe(connectCheck(), await refusingTarget())),
      "failed L4CON: connection refused",
    );
    const hanging = await hangingTarget();
    try {
      const result = told(await runProbe(connectCheck(), hanging, { timeoutMs: 200 }));
      assert.equal(result, "failed L4TOUT: timed out after 200 ms while connecting");
    } finally {
      await hanging.close();
    }
  });
});

describe("the send/expect check", () => {
  const run = async (steps: ExpectStep[], target: TestRealserver, timeoutMs = 5000): Promise<string> =>
    told(await runProbe(expectCheck({ steps }), target, { timeoutMs }));

  test("sends and expects in turn: text, bytes and regular expressions", async () => {
    const target = await start((socket) => {
      socket.write("220 rea");
      socket.on("data", (data) =>
        socket.write(data.toString() === "PING\r\n" ? "dy\r\n+PONG\r\n" : "\xff\x00v1.23\n", "latin1"),
      );
    });
    const steps = [
      { expect: "220 " },
      { send: "PING\r\n" },
      { expect: "ready\r\n+PONG" },
      { sendHex: "00 ff" },
      { expectHex: "FF00" },
      { expectRegex: "v\\d+\\.\\d+\\s" },
    ];
    assert.equal(await run(steps, target), "passed L7OK: answered as expected");
  });

  test("what has met an expectation does not meet the next", async () => {
    const target = await start((socket) => void socket.end("one one two"));
    assert.match(
      await run([{ expect: "two" }, { expect: "one" }], target),
      /^failed L7RSP: expected "one", found nothing$/,
    );
  });

  test("shows what came instead, escaped", async () => {
    const target = await start((socket) => void socket.end("-NOAUTH \x1b]0;evil\x07\r\n"));
    assert.equal(
      await run([{ expect: "+PONG" }], target),
      'failed L7RSP: expected "+PONG", found "-NOAUTH \\x1b]0;evil\\x07\\r\\n"',
    );
  });

  test("ends its side where told, as ldirectord's simpletcp", async () => {
    const target = await start((socket) => {
      socket.on("end", () => socket.end("done\n")).resume();
    });
    assert.equal(
      await run([{ send: "x" }, { end: true }, { expect: "done" }], target),
      "passed L7OK: answered as expected",
    );
  });

  test("looks at 16 KiB and no more", async () => {
    const target = await start((socket) => void socket.end(`${"x".repeat(20_000)}end`));
    assert.match(await run([{ expect: "end" }], target), /^failed L7RSP: expected "end", found "xxx/);
  });

  test("is over at its deadline where nothing comes", async () => {
    const target = await start(() => {});
    assert.equal(
      await run([{ expect: "x" }], target, 200),
      "failed L7TOUT: timed out after 200 ms while waiting for the answer",
    );
  });

  test("tells a reset from an end", async () => {
    const target = await start((socket) => void socket.once("data", () => socket.resetAndDestroy()));
    assert.equal(await run([{ send: "x" }, { expect: "x" }], target), "failed L7RSP: connection reset");
  });
});
