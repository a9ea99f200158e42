import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAuthKeys } from "../../../../src/ha/heartbeat/auth-keys.js";
import { echoReply, echoRequest } from "../../../../src/ha/heartbeat/echo.js";
import { Pinger } from "../../../../src/ha/heartbeat/pinger.js";
import { internetChecksum } from "../../../../src/ha/vrrp/checksum.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";

type OnIcmp = (source: string, message: Uint8Array) => void;

/** Hosts that answer, and a pinger with a target of one host and one of two. */
function fixture() {
  const timers = new FakeTimers();
  const keys = parseAuthKeys("auth 1\n1 sha1 word\n", "authkeys");
  const answering = new Set<string>();
  const requests: { readonly host: string; readonly message: Uint8Array }[] = [];
  const counts: number[] = [];
  let onIcmp: OnIcmp = () => {};
  const raw = {
    openEcho: (_family: 4 | 6, listener: OnIcmp) => {
      onIcmp = listener;
      return {
        send: (host: string, message: Uint8Array) => {
          requests.push({ host, message });
          if (answering.has(host)) listener(host, replyTo(message));
          return undefined;
        },
        close: () => {},
      };
    },
  };
  const targets = [
    { name: "router", hosts: ["10.0.0.1"] },
    { name: "dns", hosts: ["10.0.0.2", "10.0.0.3"] },
  ];
  const pinger = new Pinger(
    { targets, intervalMs: 100, deadMs: 350 },
    { raw, timers, keys: () => keys, onCount: (count) => counts.push(count), onTrouble: () => {} },
  );
  const states = (): string[] => pinger.statuses().map(({ state }) => state);
  return {
    timers,
    pinger,
    answering,
    requests,
    counts,
    states,
    receive: (...args: Parameters<OnIcmp>) => onIcmp(...args),
  };
}

function replyTo(request: Uint8Array): Uint8Array {
  const reply = Uint8Array.from(request);
  reply[0] = 0;
  return reply;
}

describe("ping nodes", () => {
  test("are up while they answer, and down after a silence; a group is up while one of its hosts is", async () => {
    const { timers, pinger, answering, counts, states } = fixture();
    answering.add("10.0.0.1").add("10.0.0.3");
    pinger.start();
    assert.deepEqual(states(), ["up", "up"]);
    answering.delete("10.0.0.3");
    answering.add("10.0.0.2");
    await timers.advance(1000);
    assert.deepEqual(
      [states(), counts],
      [
        ["up", "up"],
        [1, 2],
      ],
    );
    answering.clear();
    await timers.advance(300);
    assert.deepEqual(states(), ["up", "up"]);
    await timers.advance(200);
    assert.deepEqual([states(), counts.at(-1)], [["down", "down"], 0]);
    pinger.stop();
  });

  test("are unknown until one deadtime has passed", async () => {
    const { timers, pinger, states } = fixture();
    pinger.start();
    assert.deepEqual(states(), ["unknown", "unknown"]);
    await timers.advance(350);
    assert.deepEqual(states(), ["down", "down"]);
    pinger.stop();
  });

  test("an answer that is forged, of another host, damaged or repeated does not count", async () => {
    const { timers, pinger, requests, states, receive } = fixture();
    pinger.start();
    const [{ message }] = requests;
    receive("10.0.0.9", replyTo(message));
    receive("10.0.0.1", message);
    const damaged = replyTo(message);
    damaged[20] ^= 1;
    receive("10.0.0.1", damaged);
    receive("10.0.0.1", echoRequest(4, process.pid, 1, new Uint8Array(100)));
    receive("10.0.0.1", new Uint8Array(3));
    assert.equal(states()[0], "unknown");
    receive("10.0.0.1", replyTo(message));
    assert.equal(states()[0], "up");
    await timers.advance(400);
    receive("10.0.0.1", replyTo(message));
    assert.equal(states()[0], "down");
    pinger.stop();
  });
});

describe("echo messages", () => {
  test("have type, identifier, sequence number and a checksum that is right", () => {
    const message = echoRequest(4, 0x1234, 7, Buffer.from("payload"));
    assert.deepEqual([...message.subarray(0, 2), ...message.subarray(4, 8)], [8, 0, 0x12, 0x34, 0, 7]);
    assert.equal(internetChecksum(message), 0);
    assert.equal(echoRequest(6, 1, 1, new Uint8Array())[0], 128);
  });

  test("a reply is told from everything else", () => {
    const reply = echoReply(4, replyTo(echoRequest(4, 5, 7, Buffer.from("payload"))));
    assert.deepEqual([reply?.id, Buffer.from(reply?.payload ?? []).toString()], [5, "payload"]);
    assert.equal(echoReply(4, echoRequest(4, 5, 7, new Uint8Array())), undefined);
    assert.equal(echoReply(6, replyTo(echoRequest(4, 5, 7, new Uint8Array()))), undefined);
  });
});
