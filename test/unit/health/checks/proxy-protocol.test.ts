/** Checks that begin with a PROXY protocol header, which speaks for nobody: version 1 UNKNOWN, version 2 LOCAL. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { httpCheck } from "../../../../src/health/checks/http.js";
import { connectCheck } from "../../../../src/health/checks/tcp.js";
import { tlsCheck } from "../../../../src/health/checks/tls.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { receiveExactly, startRealserver } from "../../../helpers/tcp.js";

const LOCAL = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");
const UNKNOWN = Buffer.from("PROXY UNKNOWN\r\n");
const ANSWER = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";

test("an http check sends the header, then its request", async (t) => {
  for (const [version, header] of [
    [1, UNKNOWN],
    [2, LOCAL],
  ] as const) {
    const realserver = await startRealserver();
    t.after(realserver.close);
    const result = runProbe(httpCheck(), realserver, { proxyProtocol: version });
    const served = await realserver.next();
    assert.deepEqual(await receiveExactly(served, header.length), header);
    assert.equal((await receiveExactly(served, 5)).toString(), "GET /");
    served.end(ANSWER);
    assert.match(told(await result), /^passed L7OK/);
  }
});

test("a connect check passes with a header", async (t) => {
  const realserver = await startRealserver();
  t.after(realserver.close);
  assert.match(told(await runProbe(connectCheck(), realserver, { proxyProtocol: 2 })), /^passed L4OK/);
});

test("a check over TLS sends the header before the handshake", async (t) => {
  const realserver = await startRealserver();
  t.after(realserver.close);
  const result = runProbe(tlsCheck(), realserver, { proxyProtocol: 1 });
  const served = await realserver.next();
  assert.deepEqual(await receiveExactly(served, UNKNOWN.length), UNKNOWN);
  // The record of a ClientHello.
  assert.equal((await receiveExactly(served, 1))[0], 0x16);
  served.destroy();
  assert.match(told(await result), /^failed L6RSP/);
});

test("a redirect to another server is followed without the header", async (t) => {
  const other = await startRealserver();
  const realserver = await startRealserver();
  t.after(other.close);
  t.after(realserver.close);
  const result = runProbe(httpCheck({ redirects: 1 }), realserver, { proxyProtocol: 1 });
  const served = await realserver.next();
  assert.deepEqual(await receiveExactly(served, UNKNOWN.length), UNKNOWN);
  served.end(
    `HTTP/1.0 302 Found\r\nLocation: http://${other.address}:${other.port}/\r\nContent-Length: 0\r\n\r\n`,
  );
  const redirected = await other.next();
  assert.equal((await receiveExactly(redirected, 5)).toString(), "GET /");
  redirected.end(ANSWER);
  assert.match(told(await result), /^passed L7OK/);
});
