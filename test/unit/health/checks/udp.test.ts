import assert from "node:assert/strict";
import { test } from "node:test";
import { type UdpOptions, udpCheck } from "../../../../src/health/checks/udp.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startDatagramServer } from "../../../helpers/line-server.js";
import { refusingTarget } from "../../../helpers/tcp.js";

async function ask(options: UdpOptions, ...replies: readonly string[]): Promise<string> {
  const server = await startDatagramServer(() => replies);
  try {
    return told(await runProbe(udpCheck(options), server, { timeoutMs: 200 }));
  } finally {
    await server.close();
  }
}

test("silence passes where no reply is asked for", async () => {
  assert.equal(await ask({}), "passed L4OK: no ICMP error");
});

test("silence fails where a reply is asked for", async () => {
  const expected = "failed L7TOUT: timed out after 200 ms while waiting for the answer";
  assert.equal(await ask({ requireReply: true }), expected);
  assert.equal(await ask({ expect: "pong" }), expected);
});

test("a port where nobody listens fails", async () => {
  assert.equal(
    told(await runProbe(udpCheck(), await refusingTarget())),
    "failed L4CON: port unreachable (ICMP)",
  );
});

test("what is sent is text or bytes", async () => {
  const server = await startDatagramServer(() => ["ok"]);
  try {
    await runProbe(udpCheck({ send: "grüß" }), server);
    await runProbe(udpCheck({ sendHex: "00 ff0A" }), server);
    await runProbe(udpCheck(), server);
    assert.deepEqual(server.received, [Buffer.from("grüß"), Buffer.from([0, 255, 10]), Buffer.from([0])]);
  } finally {
    await server.close();
  }
});

test("a reply must contain the text, or begin with the bytes", async () => {
  assert.equal(await ask({ expect: "pong" }, "a pong b"), "passed L7OK: reply of 8 bytes");
  assert.equal(await ask({ expect: "pong" }, "nope"), 'failed L7RSP: expected "pong", found "nope"');
  assert.match(await ask({ expectHex: "61 X2 XX" }, "abc rest"), /^passed/);
  assert.match(await ask({ expectHex: "61 63" }, "abc"), /^failed L7RSP: expected bytes 6163, found "abc"$/);
  assert.match(await ask({ expectHex: "61 62 63" }, "ab"), /^passed/);
});

test("a reply must have the right length", async () => {
  assert.equal(
    await ask({ minLength: 3, maxLength: 4 }, "ab"),
    "failed L7RSP: reply of 2 bytes, wanted are 3 to 4",
  );
  assert.match(await ask({ minLength: 3, maxLength: 4 }, "abcd"), /^passed/);
});

test("options that contradict one another are refused", () => {
  assert.throws(() => udpCheck({ send: "a", sendHex: "00" }), /sendHex: .*only one of send and sendHex/);
  assert.throws(() => udpCheck({ expect: "a", expectHex: "00" }), /expectHex: .*only one/);
  assert.throws(
    () => udpCheck({ sendHex: "0" }),
    /sendHex: found "0", accepted is pairs of hexadecimal digits/,
  );
  assert.throws(() => udpCheck({ sendHex: "XX" }), /sendHex: found "XX"/);
  assert.throws(
    () => udpCheck({ minLength: 5, maxLength: 4 }),
    /minLength: found 5, accepted is at most maxLength/,
  );
  assert.throws(() => udpCheck({ maxLength: -1 }), /maxLength: found -1/);
  assert.throws(() => udpCheck({ expect: "a", requireReply: false }), /requireReply: found false/);
});
