import assert from "node:assert/strict";
import { test } from "node:test";
import { sipCheck } from "../../../../src/health/checks/sip.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startDatagramServer } from "../../../helpers/line-server.js";
import { startRealserver } from "../../../helpers/tcp.js";

/** An answer of this status to a request. */
function answer(request: string, status: string): string {
  const [callId] = /^Call-ID: .*$/m.exec(request) ?? [];
  return `SIP/2.0 ${status}\r\n${callId}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
}

async function askUdp(...statuses: readonly string[]): Promise<{ result: string; request: string }> {
  const server = await startDatagramServer((request) =>
    statuses.map((status) =>
      status === "" ? "SIP/2.0 200 OK\r\nCall-ID: x\r\n\r\n" : answer(request.toString(), status),
    ),
  );
  try {
    const result = told(await runProbe(sipCheck({ uri: "check@example.org" }), server));
    return { result, request: server.received[0].toString() };
  } finally {
    await server.close();
  }
}

test("OPTIONS over udp carries all that RFC 3261 asks for, and 200 passes", async () => {
  const { result, request } = await askUdp("200 OK");
  assert.equal(result, "passed L7OK: status 200");
  assert.match(
    request,
    /^OPTIONS sip:check@example.org SIP\/2.0\r\nVia: SIP\/2.0\/UDP 127.0.0.1:\d+;branch=z9hG4bK/,
  );
  for (const header of [
    "Max-Forwards: 70",
    "CSeq: 1 OPTIONS",
    "To: <sip:check@example.org>",
    "Content-Length: 0",
  ]) {
    assert.ok(request.includes(`\r\n${header}\r\n`), header);
  }
  assert.ok(request.endsWith("\r\n\r\n"));
});

test("provisional answers and answers to others are waited over", async () => {
  assert.equal((await askUdp("100 Trying", "", "200 OK")).result, "passed L7OK: status 200");
});

test("another status fails", async () => {
  assert.equal(
    (await askUdp("503 Service Unavailable")).result,
    'failed L7STS: status 503, wanted is 200 ("SIP/2.0 503 Service Unavailable")',
  );
});

test("what is not SIP fails", async () => {
  const server = await startDatagramServer(() => ["hello\u001b[m"]);
  try {
    assert.equal(told(await runProbe(sipCheck(), server)), 'failed L7RSP: not a SIP answer: "hello\\x1b[m"');
  } finally {
    await server.close();
  }
});

test("OPTIONS over tcp passes on 200 after a provisional answer", async () => {
  const server = await startRealserver((socket) =>
    socket.once("data", (chunk) => {
      socket.write(answer(chunk.toString(), "100 Trying") + answer(chunk.toString(), "200 OK"));
    }),
  );
  try {
    assert.equal(told(await runProbe(sipCheck({ transport: "tcp" }), server)), "passed L7OK: status 200");
  } finally {
    await server.close();
  }
});

test("addresses that would break the request are refused", () => {
  assert.throws(() => sipCheck({ uri: "a@b\r\nX: y" }), /uri: found/);
  assert.throws(() => sipCheck({ uri: "nobody" }), /uri: found "nobody", accepted is a SIP address/);
  assert.throws(() => sipCheck({ transport: "tls" as "tcp" }), /transport: found "tls"/);
});
