import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CheckFailure } from "../../../../src/health/checker.js";
import { ber, readElements, TAG } from "../../../../src/health/checks/ber.js";
import { type LdapOptions, ldapCheck } from "../../../../src/health/checks/ldap.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startRealserver } from "../../../helpers/tcp.js";

function answer(id: number, tag: number, ...contents: readonly Buffer[]): Buffer {
  return ber(TAG.SEQUENCE, ber(TAG.INTEGER, id), ber(tag, ...contents));
}

function outcome(id: number, tag: number, code: number, words = ""): Buffer {
  return answer(id, tag, ber(TAG.ENUMERATED, code), ber(TAG.OCTET_STRING), ber(TAG.OCTET_STRING, words));
}

const BOUND = outcome(1, TAG.LDAP_BIND_RESPONSE, 0);
const DONE = outcome(2, TAG.LDAP_SEARCH_DONE, 0);
const entry = (dn: string): Buffer =>
  answer(2, TAG.LDAP_SEARCH_ENTRY, ber(TAG.OCTET_STRING, dn), ber(TAG.SEQUENCE));

async function ask(
  options: LdapOptions,
  ...answers: readonly Buffer[]
): Promise<{ result: string; received: Buffer[] }> {
  const received: Buffer[] = [];
  const server = await startRealserver((socket) =>
    socket.on("data", (chunk) => {
      const next = answers[received.length];
      received.push(chunk);
      if (next !== undefined) socket.write(next);
    }),
  );
  try {
    return { result: told(await runProbe(ldapCheck(options), server)), received };
  } finally {
    await server.close();
  }
}

test("an anonymous bind is the well-known bytes, and passes on success", async () => {
  const { result, received } = await ask({}, BOUND);
  assert.equal(result, "passed L7OK: bound");
  assert.equal(received[0].toString("hex"), "300c020101600702010304008000");
  assert.equal(received[1].toString("hex"), "30050201034200");
});

test("a bind as somebody carries name and password, longer than 127 bytes too", async () => {
  const user = `cn=${"x".repeat(300)}`;
  const { received } = await ask({ user, password: "p" }, BOUND);
  const [, operation] = readElements(readElements(received[0])[0].content);
  const [, dn, password] = readElements(operation.content);
  assert.equal(dn.content.toString(), user);
  assert.deepEqual([password.tag, password.content.toString()], [TAG.LDAP_SIMPLE_PASSWORD, "p"]);
});

test("a refused bind fails with the name of its result and the words of the server", async () => {
  const { result } = await ask({ user: "cn=x" }, outcome(1, TAG.LDAP_BIND_RESPONSE, 49, "bad\u001b[m"));
  assert.equal(result, 'failed L7STS: bind answered with invalidCredentials (49) "bad\\x1b[m"');
});

test("a search must find one entry, references are passed over", async () => {
  const reference = answer(2, TAG.LDAP_SEARCH_REFERENCE, ber(TAG.OCTET_STRING, "ldap://x"));
  const found = await ask(
    { baseDn: "dc=example" },
    BOUND,
    Buffer.concat([reference, entry("dc=example"), DONE]),
  );
  assert.equal(found.result, 'passed L7OK: found the entry "dc=example"');
  const filter = ber(TAG.LDAP_FILTER_PRESENT, "objectClass");
  assert.ok(found.received[1].includes(Buffer.concat([filter, ber(TAG.SEQUENCE)])));
  assert.equal(
    (await ask({ baseDn: "" }, BOUND, DONE)).result,
    "failed L7RSP: search found 0 entries, wanted is one",
  );
  assert.equal(
    (await ask({ baseDn: "dc=x" }, BOUND, outcome(2, TAG.LDAP_SEARCH_DONE, 32))).result,
    "failed L7STS: search answered with noSuchObject (32)",
  );
});

test("the DN found must match", async () => {
  const answers = [BOUND, Buffer.concat([entry("dc=example"), DONE])];
  assert.match((await ask({ baseDn: "dc=example", dnRegex: "^dc=" }, ...answers)).result, /^passed/);
  assert.equal(
    (await ask({ baseDn: "dc=example", dnRegex: "^o=" }, ...answers)).result,
    'failed L7RSP: DN does not match "^o=": "dc=example"',
  );
});

test("a search that never ends, and a message that is far too long, fail", async () => {
  const endless = Buffer.concat(new Array(50).fill(entry("dc=x")));
  assert.equal(
    (await ask({ baseDn: "dc=x" }, BOUND, endless)).result,
    "failed L7RSP: search answered with more than 20 messages",
  );
  const huge = Buffer.from([TAG.SEQUENCE, 0x84, 0x7f, 0xff, 0xff, 0xff]);
  assert.equal((await ask({}, huge)).result, "failed L7RSP: LDAP message of 2147483647 bytes");
});

test("an answer to another message fails", async () => {
  const { result } = await ask({}, outcome(9, TAG.LDAP_BIND_RESPONSE, 0));
  assert.equal(result, "failed L7RSP: an LDAP message that does not answer ours");
});

test("elements are read as they were written, of any length", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 4 }), (contents) => {
      const bytes = Buffer.concat(contents.map((content) => ber(TAG.OCTET_STRING, content)));
      assert.deepEqual(
        readElements(bytes),
        contents.map((content) => ({ tag: TAG.OCTET_STRING, content: Buffer.from(content) })),
      );
    }),
  );
});

test("whatever comes, reading elements ends in some or in a failure", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        readElements(Buffer.from(bytes));
      } catch (error) {
        if (!(error instanceof CheckFailure)) throw error;
      }
    }),
  );
});

test("a regular expression without a search is refused", () => {
  assert.throws(
    () => ldapCheck({ dnRegex: "x" }),
    /dnRegex: found "x", accepted is .* only together with baseDn/,
  );
});
