import assert from "node:assert/strict";
import { test } from "node:test";
import { type RedisOptions, redisCheck } from "../../../../src/health/checks/redis.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startLineServer } from "../../../helpers/line-server.js";

async function ask(options: RedisOptions, answers: Readonly<Record<string, string>>): Promise<string> {
  const server = await startLineServer("", answers);
  try {
    return told(await runProbe(redisCheck(options), server));
  } finally {
    await server.close();
  }
}

test("PING answered with PONG passes", async () => {
  assert.equal(await ask({}, { PING: "+PONG\r\n" }), "passed L7OK: answered PONG");
});

test("a password is sent before", async () => {
  const server = await startLineServer("", { "p w": "+OK\r\n", PING: "+PONG\r\n" });
  try {
    assert.match(told(await runProbe(redisCheck({ user: "u", password: "p w" }), server)), /^passed/);
    assert.deepEqual(server.lines, ["*3", "$4", "AUTH", "$1", "u", "$3", "p w", "*1", "$4", "PING"]);
  } finally {
    await server.close();
  }
});

test("errors of the server fail with its words", async () => {
  assert.equal(
    await ask({}, { PING: "-LOADING Redis is loading\r\n" }),
    'failed L7STS: PING answered with "-LOADING Redis is loading", wanted is +PONG',
  );
  assert.equal(
    await ask({ password: "x" }, { x: "-WRONGPASS no\r\n" }),
    'failed L7STS: AUTH answered with "-WRONGPASS no", wanted is +OK',
  );
  assert.match(await ask({}, { PING: "HTTP/1.1 400\r\n" }), /^failed L7RSP/);
});

test("a user without a password, and a password with a line break, are refused", () => {
  assert.throws(
    () => redisCheck({ user: "u" }),
    /user: found "u", accepted is a user only together with a password/,
  );
  assert.throws(() => redisCheck({ password: "a\r\nFLUSHALL" }), /password: found "\(hidden\)"/);
});

test("neither name shows the password, and keys tell passwords apart", () => {
  const [one, other] = [redisCheck({ password: "one" }), redisCheck({ password: "other" })];
  assert.equal(one.name, "redis AUTH and PING");
  assert.notEqual(one.key, other.key);
});
