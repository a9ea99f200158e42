import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CheckFailure } from "../../../../src/health/checker.js";
import { type MysqlOptions, mysqlCheck } from "../../../../src/health/checks/mysql.js";
import { authenticate, packet, readGreeting } from "../../../../src/health/checks/mysql-packets.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startRealserver } from "../../../helpers/tcp.js";

const SALT = Buffer.from("abcdefghijklmnopqrst");
const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const EOF = Buffer.from([0xfe, 0, 0, 2, 0]);

function greeting(method = "mysql_native_password", version = "8.0.36"): Buffer {
  return Buffer.concat([
    Buffer.from(`\n${version}\0`),
    Buffer.from([1, 0, 0, 0]),
    SALT.subarray(0, 8),
    // NUL; capabilities (no TLS); charset; status; capabilities; length of the salt with its NUL.
    Buffer.from([0, 0xff, 0xf7, 33, 2, 0, 0xff, 0xc1, 21]),
    Buffer.alloc(10),
    SALT.subarray(8),
    Buffer.from(`\0${method}\0`),
  ]);
}

function error(code: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0xff, code & 255, code >> 8]), Buffer.from(text)]);
}

/** Answers each packet of the client with the next payloads. @returns the result, and the client's payloads */
async function ask(
  options: MysqlOptions,
  first: Buffer,
  ...answers: readonly (readonly Buffer[])[]
): Promise<{ result: string; received: Buffer[] }> {
  const received: Buffer[] = [];
  const server = await startRealserver((socket) => {
    socket.write(packet(0, first));
    socket.on("data", (chunk) => {
      const sequence = chunk[3];
      for (const [i, payload] of (answers[received.length] ?? []).entries()) {
        socket.write(packet(sequence + 1 + i, payload));
      }
      received.push(chunk.subarray(4));
    });
  });
  try {
    return { result: told(await runProbe(mysqlCheck(options), server)), received };
  } finally {
    await server.close();
  }
}

const LOGIN = { user: "check", password: "secret" };

test("without a user the greeting passes", async () => {
  const { result } = await ask({}, greeting());
  assert.equal(result, 'passed L7OK: greeted by version "8.0.36"');
});

test("a greeting that is an error fails with its number and words", async () => {
  const { result } = await ask({}, error(1040, "Too many connections"));
  assert.equal(result, 'failed L7STS: connect answered with error 1040 "Too many connections"');
});

test("the password is proven by SHA-1 and the salt, and the connection quit", async () => {
  const { result, received } = await ask({ ...LOGIN, database: "shop" }, greeting(), [OK]);
  assert.equal(result, "passed L7OK: logged in");
  const sha1 = (...parts: readonly Uint8Array[]): Buffer =>
    createHash("sha1").update(Buffer.concat(parts)).digest();
  const once = sha1(Buffer.from("secret"));
  const mask = sha1(SALT, sha1(once));
  const proof = Buffer.from(once.map((byte, i) => byte ^ mask[i]));
  assert.deepEqual(
    received[0].subarray(32),
    Buffer.concat([Buffer.from("check\0\u0014"), proof, Buffer.from("shop\0mysql_native_password\0")]),
  );
  assert.deepEqual(received[1], Buffer.from([1]));
});

test("the server may ask for another method, with another salt", async () => {
  const salt = Buffer.from("12345678901234567890");
  const change = Buffer.concat([
    Buffer.from("\u00femysql_native_password\0", "latin1"),
    salt,
    Buffer.from([0]),
  ]);
  const { result, received } = await ask(LOGIN, greeting("caching_sha2_password"), [change], [OK]);
  assert.match(result, /^passed/);
  assert.equal(received[0].indexOf("caching_sha2_password") > 0, true);
  assert.deepEqual(received[1], authenticate("mysql_native_password", "secret", salt));
});

test("caching_sha2_password passes where the server knows the password, and needs TLS where it does not", async () => {
  const sha2 = greeting("caching_sha2_password");
  assert.match((await ask(LOGIN, sha2, [Buffer.from([1, 3]), OK])).result, /^passed/);
  assert.equal(
    (await ask(LOGIN, sha2, [Buffer.from([1, 4])])).result,
    'failed L7RSP: the login method "caching_sha2_password" needs TLS here',
  );
});

test("a refused login fails with number and words, without the SQL state", async () => {
  const { result } = await ask(LOGIN, greeting(), [error(1045, "#28000Access denied for 'check'")]);
  assert.equal(result, `failed L7STS: login answered with error 1045 "Access denied for 'check'"`);
});

test("a method that is not known fails by its name", async () => {
  const { result } = await ask(LOGIN, greeting(), [Buffer.from("\u00feclient_ed25519\0salt", "latin1")]);
  assert.equal(
    result,
    'failed L7RSP: the server wants the login method "client_ed25519", which is not supported',
  );
});

test("a login that goes round in circles ends", async () => {
  const { result } = await ask(LOGIN, greeting(), new Array(20).fill(Buffer.from([1, 3])));
  assert.equal(result, "failed L7RSP: login not done after 8 packets");
});

test("a query must return a row", async () => {
  const options = { ...LOGIN, query: "SELECT 1" };
  const head = [Buffer.from([1]), Buffer.from("column"), EOF];
  const row = await ask(options, greeting(), [OK], [...head, Buffer.from("\u00011"), EOF]);
  assert.equal(row.result, "passed L7OK: the query returned a row");
  assert.deepEqual(row.received[1], Buffer.from("\u0003SELECT 1"));
  const empty = await ask(options, greeting(), [OK], [...head, EOF]);
  assert.equal(empty.result, "failed L7RSP: the query returned no rows");
  assert.equal(
    (await ask(options, greeting(), [OK], [OK])).result,
    "failed L7RSP: the query returned no rows",
  );
  assert.equal(
    (await ask(options, greeting(), [OK], [error(1146, "#42S02Table 'x' doesn't exist")])).result,
    `failed L7STS: query answered with error 1146 "Table 'x' doesn't exist"`,
  );
});

test("TLS that is not offered fails", async () => {
  assert.equal((await ask({ tls: {} }, greeting())).result, "failed L6RSP: TLS is not offered");
});

test("whatever comes, reading a greeting ends in one or in a failure", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      for (const payload of [Buffer.from(bytes), Buffer.concat([Buffer.from("\n8\0"), bytes])]) {
        try {
          readGreeting({ sequence: 0, payload });
        } catch (error) {
          if (!(error instanceof CheckFailure)) throw error;
        }
      }
    }),
  );
});

test("options that need a user are refused without one", () => {
  assert.throws(
    () => mysqlCheck({ query: "SELECT 1" }),
    /query: found "SELECT 1", accepted is a query only together with a user/,
  );
  assert.throws(() => mysqlCheck({ database: "x" }), /database: found "x"/);
  assert.throws(() => mysqlCheck({ ...LOGIN, query: "" }), /query: found ""/);
});
