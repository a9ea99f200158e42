/** The link between directors over TLS: real sockets and real certificates. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { connect } from "node:net";
import { after, describe, type TestContext, test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import fc from "fast-check";
import type { SyncTlsSettings } from "../../../../src/core/sync-settings.js";
import { SyncDialer } from "../../../../src/ha/sync/dialer.js";
import { LinkTls } from "../../../../src/ha/sync/link-tls.js";
import { SyncListener } from "../../../../src/ha/sync/listener.js";
import { Authority } from "../../../helpers/authority.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";
import { RecordingObserver, SYNC_KEY, syncParts } from "../../../helpers/sync-pair.js";
import { loopbackAddress } from "../../../helpers/tcp.js";
import { waitFor } from "../../../helpers/wait-for.js";

const PORT = 28696;
const ours = new Authority({ after }, "ours");
const theirs = new Authority({ after }, "theirs");
const [one, two] = [ours.issue("one"), ours.issue("two")];

/** An end of a link called `node`; without settings it speaks no TLS. */
function parts(node: string, tls?: SyncTlsSettings, key = SYNC_KEY) {
  return { ...syncParts(node, key), ...(tls && { tls: new LinkTls(tls) }) };
}

async function listen(t: TestContext, own: ReturnType<typeof parts>) {
  const [address, observer, logger] = [loopbackAddress(), new RecordingObserver(), new RecordingLogger()];
  const listener = new SyncListener({ address, port: PORT }, own, observer, logger);
  t.after(() => listener.stop());
  listener.start();
  await waitFor("it listens", () => logger.messages.includes("peers are awaited"));
  return { address, observer, counters: own.counters };
}

function dial(t: TestContext, address: string, own: ReturnType<typeof parts>) {
  const observer = new RecordingObserver();
  const dialer = new SyncDialer({ address, port: PORT }, own, observer);
  t.after(() => dialer.stop());
  dialer.start();
  return { observer, dialer, counters: own.counters };
}

/** What both ends say when they cannot come together. */
async function refusals(t: TestContext, acceptor?: SyncTlsSettings, dialer?: SyncTlsSettings) {
  const b = await listen(t, parts("b", acceptor));
  const a = dial(t, b.address, parts("a", dialer));
  await waitFor("both have given up", () => a.observer.errors.length > 0 && b.observer.errors.length > 0);
  assert.deepEqual([a.observer.open, b.observer.open], [[], []]);
  assert.ok(a.counters.refusedTls > 0, "the dialer has counted it");
  assert.ok(b.counters.refusedTls > 0, "the acceptor has counted it");
  return { dialer: a.observer.errors[0].message, acceptor: b.observer.errors[0].message };
}

describe("a link that speaks TLS", () => {
  test("carries messages both ways", async (t) => {
    const b = await listen(t, parts("b", two));
    const a = dial(t, b.address, parts("a", one));
    await waitFor("both are open", () => a.observer.open.length + b.observer.open.length === 2);
    a.observer.open[0].send({ kind: "hello", text: "x".repeat(500_000) });
    b.observer.open[0].send({ kind: "hello", n: 2 });
    await waitFor("both have heard", () => a.observer.messages.length + b.observer.messages.length === 2);
    assert.equal((b.observer.messages[0]["text"] as string).length, 500_000);
    assert.deepEqual(a.observer.messages, [{ kind: "hello", n: 2 }]);
  });

  test("still wants the shared key", async (t) => {
    const b = await listen(t, parts("b", two));
    const a = dial(t, b.address, parts("a", one, Buffer.from("another key that nobody shares")));
    await waitFor("it was refused", () => a.observer.errors.length > 0);
    assert.match(a.observer.errors[0].message, /\(b\) has another key/);
  });

  test("is told by a director without TLS that it has none, and tells it so", async (t) => {
    const said = await refusals(t, undefined, one);
    assert.match(said.dialer, /^the peer does not speak TLS: it has no ha\.sync\.tls/);
    assert.match(said.acceptor, /^the peer speaks TLS, and this director has no ha\.sync\.tls/);
  });

  test("tells a director without TLS that it wants it", async (t) => {
    const said = await refusals(t, two, undefined);
    assert.match(said.dialer, /^the peer speaks TLS only: this director needs ha\.sync\.tls/);
    assert.match(said.acceptor, /^the peer does not speak TLS/);
  });

  test("does not accept a listener of another authority, and tells it so", async (t) => {
    const said = await refusals(t, { ...theirs.issue("stranger"), ca: ours.ca }, one);
    assert.match(said.dialer, /^the peer's certificate \(CN=stranger\) was not issued by an authority/);
    assert.match(said.acceptor, /^the peer does not accept this director's certificate/);
  });

  test("does not accept a dialer of another authority, and tells it so", async (t) => {
    const said = await refusals(t, two, { ...theirs.issue("stranger"), ca: ours.ca });
    assert.match(said.dialer, /^the peer does not accept this director's certificate/);
    assert.match(said.acceptor, /^the peer's certificate \(CN=stranger\) was not issued by an authority/);
  });

  for (const [what, tls, words] of [
    ["has expired", ours.issue("old", { days: -1 }), /has expired \(it is valid until /],
    ["is for a server only", ours.issue("web", { extendedKeyUsage: "serverAuth" }), /extendedKeyUsage/],
  ] as const) {
    test(`does not accept a dialer's certificate that ${what}`, async (t) => {
      const said = await refusals(t, two, tls);
      assert.match(said.acceptor, words);
      assert.match(said.dialer, /^the peer does not accept this director's certificate/);
    });
  }

  test("accepts only the names that are configured, if any are", async (t) => {
    const said = await refusals(t, two, { ...one, names: ["three", "127.0.0.1"] });
    assert.match(
      said.dialer,
      /^the peer's certificate \(CN=two\) is for DNS:two, accepted is one of ha\.sync\.tls\.names: three, 127\.0\.0\.1$/,
    );
    assert.match(said.acceptor, /^the peer does not accept/);
    const b = await listen(t, parts("b", { ...two, names: ["three", "one"] }));
    const tls = { ...ours.issue("byip", { subjectAltName: `DNS:one,IP:${b.address}` }), names: ["two"] };
    const a = dial(t, b.address, parts("a", tls));
    await waitFor("it is open", () => a.observer.open.length === 1);
  });

  test("uses new files for connections from then on, and leaves those that are there alone", async (t) => {
    const [old, next] = [theirs.issue("lb"), ours.issue("lb")];
    const own = parts("b", old);
    const b = await listen(t, own);
    const before = dial(t, b.address, parts("a", theirs.issue("a")));
    await waitFor("it is open", () => before.observer.open.length === 1);
    assert.equal(own.tls?.renew(), false);
    for (const file of ["certificate", "key", "ca"] as const) copyFileSync(next[file], old[file]);
    assert.equal(own.tls?.renew(), true);
    const after = dial(t, b.address, parts("c", one));
    await waitFor("the next one is open", () => after.observer.open.length === 1);
    assert.equal(before.observer.open[0].isOpen, true);
  });

  test("does not come about with anybody who shows no certificate, also when a session is resumed", async (t) => {
    const b = await listen(t, parts("b", two));
    const tickets: Buffer[] = [];
    const visit = (session?: Buffer): Promise<TLSSocket> =>
      new Promise((resolve) => {
        const socket = connectTls({ host: b.address, port: PORT, rejectUnauthorized: false, session });
        socket.on("session", (found: Buffer) => void tickets.push(found));
        socket.on("error", () => {}).resume();
        socket.once("close", () => resolve(socket));
      });
    await visit();
    for (const ticket of tickets.slice(0, 2)) await visit(ticket);
    assert.equal(b.observer.open.length, 0);
    await waitFor("all are refused", () => b.observer.errors.length >= 1);
    for (const { message } of b.observer.errors) assert.equal(message, "the peer shows no certificate");
  });

  test("speaks TLS 1.2 at least", async (t) => {
    const b = await listen(t, parts("b", two));
    const socket = connectTls({
      host: b.address,
      port: PORT,
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    await waitFor("it was refused", () => b.observer.errors.length === 1);
    assert.match(b.observer.errors[0].message, /ERR_SSL_(UNSUPPORTED_PROTOCOL|NO_.*|.*VERSION.*)/);
  });

  test("survives whatever strangers send, and goes on with peers", async (t) => {
    const b = await listen(t, parts("b", two));
    const start = fc.constantFrom([], [0x16, 0x03, 0x01], [0x15, 0x03, 0x03, 0, 2, 2, 40], [0, 0, 0, 90]);
    let strangers = 0;
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 600 }), async (head, bytes) => {
        const stranger = connect(PORT, b.address).on("error", () => {});
        stranger.end(Buffer.concat([Buffer.from(head), bytes]));
        stranger.resume();
        strangers++;
        await waitFor("it was closed", () => stranger.destroyed && b.observer.errors.length === strangers);
      }),
      { numRuns: 50, verbose: true },
    );
    const a = dial(t, b.address, parts("a", one));
    await waitFor("a peer comes in", () => a.observer.open.length === 1);
  });

  test("says nothing to strangers that speak something else", async (t) => {
    const b = await listen(t, parts("b", two));
    const stranger = connect(PORT, b.address).on("error", () => {});
    stranger.write("GET / HTTP/1.1\r\n\r\n");
    await waitFor("it was closed", () => b.observer.errors.length === 1);
    assert.equal(b.counters.bytesSent, 0);
    assert.equal(b.counters.refusedTls, 1);
    stranger.destroy();
  });
});
