import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { type PostgresOptions, postgresCheck } from "../../../../src/health/checks/postgres.js";
import { message, text } from "../../../../src/health/checks/postgres-session.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startRealserver } from "../../../helpers/tcp.js";

const READY = message("Z", Buffer.from("I"));

function auth(kind: number, rest: string | Uint8Array = ""): Buffer {
  return message("R", Buffer.from([0, 0, 0, kind]), Buffer.from(rest as string));
}

function error(state: string, words: string): Buffer {
  return message("E", text("SFATAL"), text(`C${state}`), text(`M${words}`), Buffer.from([0]));
}

/** Answers the client's n-th message with the n-th answer. @returns the result, and what the client sent */
async function ask(
  options: PostgresOptions,
  ...answers: readonly (Buffer | ((received: Buffer) => Buffer))[]
): Promise<{ result: string; received: Buffer[] }> {
  const received: Buffer[] = [];
  const server = await startRealserver((socket) =>
    socket.on("data", (chunk) => {
      const answer = answers[received.length];
      received.push(chunk);
      if (answer !== undefined) socket.write(typeof answer === "function" ? answer(chunk) : answer);
    }),
  );
  try {
    return { result: told(await runProbe(postgresCheck(options), server)), received };
  } finally {
    await server.close();
  }
}

const LOGIN = { user: "check", password: "secret" };

test("without a user a request for a login passes", async () => {
  const { result, received } = await ask({}, auth(5, "salt"));
  assert.equal(result, "passed L7OK: asks for a login");
  assert.deepEqual(
    received[0],
    Buffer.concat([Buffer.from([0, 0, 0, 31, 0, 3, 0, 0]), Buffer.from("user\0uvs\0database\0uvs\0\0")]),
  );
});

test("without a user a refusal passes, but not of a server that cannot serve", async () => {
  const refusal = await ask({}, error("28000", "no pg_hba.conf entry"));
  assert.equal(refusal.result, "passed L7OK: refuses an unknown user, which is an answer");
  const starting = await ask({}, error("57P03", "the database system is starting up"));
  assert.equal(
    starting.result,
    'failed L7STS: startup answered with error "57P03" "the database system is starting up"',
  );
  assert.match((await ask({}, error("53300", "sorry, too many clients already"))).result, /^failed L7STS/);
});

test("a user whom the server trusts is let in, and the session ended", async () => {
  const { result, received } = await ask(LOGIN, Buffer.concat([auth(0), message("S", text("x")), READY]));
  assert.equal(result, "passed L7OK: logged in");
  assert.deepEqual(received[1], message("X"));
});

test("a password is sent in clear text or as MD5, as the server asks", async () => {
  const accepted = Buffer.concat([auth(0), READY]);
  const clear = await ask(LOGIN, auth(3), accepted);
  assert.match(clear.result, /^passed/);
  assert.deepEqual(clear.received[1], message("p", text("secret")));
  const md5 = (data: string | Buffer): string => createHash("md5").update(data).digest("hex");
  const hashed = await ask(LOGIN, auth(5, "salt"), accepted);
  assert.match(hashed.result, /^passed/);
  assert.deepEqual(hashed.received[1], message("p", text(`md5${md5(`${md5("secretcheck")}salt`)}`)));
});

/** A server of SCRAM-SHA-256 (RFC 7677) that knows `password`. */
function scramServer(password: string): ((received: Buffer) => Buffer)[] {
  const hmac = (key: Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();
  let first = "";
  let challenge = "";
  return [
    () => auth(10, "SCRAM-SHA-256\0\0"),
    (received) => {
      first = received.toString("latin1").slice(received.indexOf("n=,r="));
      challenge = `${first.slice(3)}server,s=${Buffer.from("salt").toString("base64")},i=4096`;
      return auth(11, challenge);
    },
    (received) => {
      const [final] = received.toString("latin1", 5).split(",p=");
      const key = pbkdf2Sync(password, "salt", 4096, 32, "sha256");
      const signature = hmac(hmac(key, "Server Key"), `${first},${challenge},${final}`);
      return Buffer.concat([auth(12, `v=${signature.toString("base64")}`), auth(0), READY]);
    },
  ];
}

test("SCRAM proves the password, and the server must prove that it knows it", async () => {
  assert.equal((await ask(LOGIN, ...scramServer("secret"))).result, "passed L7OK: logged in");
  assert.equal(
    (await ask(LOGIN, ...scramServer("other"))).result,
    "failed L7RSP: the server does not know the password (SCRAM signature)",
  );
});

test("a SCRAM challenge that would keep a thread busy for minutes is refused", async () => {
  const [start] = scramServer("secret");
  const { result } = await ask(LOGIN, start, (received) => {
    const nonce = received.toString("latin1").slice(received.indexOf("n=,r=") + 5);
    return auth(11, `r=${nonce}x,s=c2FsdA==,i=999999999`);
  });
  assert.match(result, /^failed L7RSP: not a SCRAM challenge/);
});

test("a login that is refused or not supported fails", async () => {
  assert.equal(
    (await ask(LOGIN, error("28P01", "password authentication failed"))).result,
    'failed L7STS: login answered with error "28P01" "password authentication failed"',
  );
  assert.equal(
    (await ask(LOGIN, auth(7))).result,
    "failed L7RSP: the server wants the login method 7, which is not supported",
  );
  const endless = Buffer.concat(new Array(300).fill(message("S", text("x"))));
  assert.equal((await ask(LOGIN, endless)).result, "failed L7RSP: login not done after 200 messages");
});

test("a query must return a row, however long", async () => {
  const options = { ...LOGIN, query: "SELECT 1" };
  const accepted = Buffer.concat([auth(0), READY]);
  const row = await ask(options, accepted, Buffer.from([0x44, 0x3f, 0xff, 0xff, 0xff]));
  assert.equal(row.result, "passed L7OK: the query returned a row");
  assert.deepEqual(row.received[1], message("Q", text("SELECT 1")));
  const none = await ask(
    options,
    accepted,
    Buffer.concat([message("T", text("x")), message("C", text("SELECT 0")), READY]),
  );
  assert.equal(none.result, "failed L7RSP: the query returned no rows");
  assert.equal(
    (await ask(options, accepted, error("42P01", "no such table"))).result,
    'failed L7STS: query answered with error "42P01" "no such table"',
  );
});

test("TLS that is not offered fails", async () => {
  const { result, received } = await ask({ tls: {} }, Buffer.from("N"));
  assert.equal(result, "failed L6RSP: TLS is not offered");
  assert.deepEqual(received[0], Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]));
});

test("a query without a user is refused", () => {
  assert.throws(
    () => postgresCheck({ query: "SELECT 1" }),
    /query: found "SELECT 1", accepted is a query only together/,
  );
});
