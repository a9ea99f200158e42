import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CheckFailure } from "../../../../src/health/checker.js";
import { type DnsOptions, dnsCheck } from "../../../../src/health/checks/dns.js";
import {
  answersQuery,
  DNS_TYPES,
  type DnsType,
  decodeResponse,
  encodeQuery,
  reverseName,
} from "../../../../src/health/checks/dns-message.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startDatagramServer } from "../../../helpers/line-server.js";
import { refusingTarget, startRealserver } from "../../../helpers/tcp.js";

/** A pointer to the name of the question, as every server compresses it. */
const NAME = Buffer.from([0xc0, 12]);

function record(type: DnsType, data: Uint8Array, name: Uint8Array = NAME): Buffer {
  const middle = Buffer.alloc(10);
  middle.writeUInt16BE(DNS_TYPES[type], 0);
  middle.writeUInt16BE(1, 2);
  middle.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, middle, data]);
}

/** A response to a query. @param flags set besides the response's own */
function response(query: Buffer, records: readonly Buffer[], flags = 0): Buffer {
  const message = Buffer.concat([query, ...records]);
  message.writeUInt16BE(0x8180 | flags, 2);
  message.writeUInt16BE(records.length, 6);
  return message;
}

async function askUdp(options: DnsOptions, answer: (query: Buffer) => Buffer): Promise<string> {
  const server = await startDatagramServer((query) => [answer(query)]);
  try {
    return told(await runProbe(dnsCheck(options), server));
  } finally {
    await server.close();
  }
}

const A = record("A", Buffer.from([192, 0, 2, 1]));
const A2 = record("A", Buffer.from([192, 0, 2, 2]));

test("any answer without an error passes where nothing is expected", async () => {
  assert.equal(await askUdp({}, (query) => response(query, [])), "passed L7OK: answered with no SOA record");
});

test("one of the answers must be the expected one", async () => {
  const answer = (query: Buffer): Buffer => response(query, [A, A2]);
  const options: DnsOptions = { name: "www.example", type: "A" };
  assert.equal(
    await askUdp({ ...options, answer: "192.0.2.2" }, answer),
    'passed L7OK: answered with "192.0.2.1, 192.0.2.2"',
  );
  assert.equal(
    await askUdp({ ...options, answer: "192.0.2.3" }, answer),
    'failed L7RSP: expected "192.0.2.3", found "192.0.2.1, 192.0.2.2"',
  );
  assert.match(await askUdp({ ...options, answerRegex: "^192[.]0[.]2[.]2$" }, answer), /^passed/);
  assert.equal(
    await askUdp({ ...options, answerRegex: "^10[.]" }, answer),
    'failed L7RSP: expected a match of "^10[.]", found "192.0.2.1, 192.0.2.2"',
  );
});

test("the error of a response is named", async () => {
  assert.equal(await askUdp({}, (query) => response(query, [], 2)), "failed L7STS: answered with SERVFAIL");
  assert.equal(await askUdp({}, (query) => response(query, [], 5)), "failed L7STS: answered with REFUSED");
  assert.equal(await askUdp({}, (query) => response(query, [], 9)), "failed L7STS: answered with RCODE 9");
});

test("a truncated response without the answer hints at tcp", async () => {
  assert.equal(
    await askUdp({ type: "A", answer: "192.0.2.9" }, (query) => response(query, [A], 0x200)),
    'failed L7RSP: expected "192.0.2.9", found "192.0.2.1" (truncated: ask over tcp)',
  );
});

test("datagrams that do not answer our query are not heard", async () => {
  const server = await startDatagramServer((query) => {
    const stranger = response(query, []);
    stranger.writeUInt16BE(query.readUInt16BE() ^ 1, 0);
    return ["x", stranger, query, response(query, [A])];
  });
  try {
    assert.equal(
      told(await runProbe(dnsCheck({ type: "A" }), server)),
      'passed L7OK: answered with "192.0.2.1"',
    );
  } finally {
    await server.close();
  }
});

test("a lost query is sent again", async () => {
  const server = await startDatagramServer((query, count) => (count === 1 ? [] : [response(query, [])]));
  try {
    assert.match(told(await runProbe(dnsCheck(), server, { timeoutMs: 1000 })), /^passed/);
    assert.deepEqual(server.received[0], server.received[1]);
  } finally {
    await server.close();
  }
});

test("silence is a time-out, and a port without a server a failure at once", async () => {
  const server = await startDatagramServer(() => []);
  try {
    assert.equal(
      told(await runProbe(dnsCheck(), server, { timeoutMs: 100 })),
      "failed L7TOUT: timed out after 100 ms while waiting for the answer",
    );
  } finally {
    await server.close();
  }
  assert.equal(
    told(await runProbe(dnsCheck(), await refusingTarget())),
    "failed L4CON: port unreachable (ICMP)",
  );
});

test("a target whose name cannot be resolved fails", async () => {
  assert.match(
    told(await runProbe(dnsCheck(), { address: `${"x".repeat(70)}.invalid`, port: 53 })),
    /^failed SOCKERR: name/,
  );
});

test("an endless flood of other datagrams is given up", async () => {
  const server = await startDatagramServer(() => new Array(100).fill("flood"));
  try {
    assert.equal(told(await runProbe(dnsCheck(), server)), "failed L7RSP: 64 datagrams without an answer");
  } finally {
    await server.close();
  }
});

test("realservers are asked over IPv6", async () => {
  const server = await startDatagramServer((query) => [response(query, [])], "::1");
  try {
    assert.match(told(await runProbe(dnsCheck(), server)), /^passed/);
  } finally {
    await server.close();
  }
});

test("over tcp the response comes after its length, in pieces too", async () => {
  const server = await startRealserver((socket) =>
    socket.once("data", (chunk) => {
      const answer = response(chunk.subarray(2), [A]);
      socket.write(Buffer.from([answer.length >> 8]));
      setImmediate(() => socket.write(Buffer.concat([Buffer.from([answer.length & 255]), answer])));
    }),
  );
  try {
    assert.equal(
      told(await runProbe(dnsCheck({ type: "A", transport: "tcp" }), server)),
      'passed L7OK: answered with "192.0.2.1"',
    );
  } finally {
    await server.close();
  }
});

describe("records are read as text", () => {
  const labels = (...names: readonly string[]): Buffer =>
    Buffer.concat([
      ...names.map((name) => Buffer.from([name.length, ...Buffer.from(name)])),
      Buffer.from([0]),
    ]);
  const numbers = Buffer.from([1, 2, 3, 4, 5].flatMap((n) => [0, 0, 0, n]));
  const cases: readonly (readonly [DnsType, Buffer, string])[] = [
    ["A", Buffer.from([10, 0, 0, 1]), "10.0.0.1"],
    ["AAAA", Buffer.from("20010db8000000000000000000000001", "hex"), "2001:db8::1"],
    ["NS", labels("ns", "example"), "ns.example"],
    ["CNAME", Buffer.concat([Buffer.from([1]), Buffer.from("a"), NAME]), "a.www.example"],
    ["PTR", labels(), "."],
    ["MX", Buffer.concat([Buffer.from([0, 10]), labels("mx")]), "10 mx"],
    ["SRV", Buffer.concat([Buffer.from([0, 1, 0, 2, 0, 80]), labels("web")]), "1 2 80 web"],
    ["TXT", Buffer.from("\u0003abc\u0002de"), "abcde"],
    ["SOA", Buffer.concat([labels("ns"), labels("admin", "ns"), numbers]), "ns admin.ns 1 2 3 4 5"],
    ["DNSKEY", Buffer.from([1, 2, 255]), "0102ff"],
  ];
  for (const [type, data, expected] of cases) {
    test(`${type}: ${expected}`, () => {
      const query = encodeQuery(7, "www.example.", type)!;
      const message = response(query, [record(type, data)]);
      assert.ok(answersQuery(message, query));
      assert.deepEqual(decodeResponse(message, query, type), {
        rcode: 0,
        isTruncated: false,
        answers: [expected],
      });
    });
  }
});

test("names that point at themselves are malformed, not endless", () => {
  const query = encodeQuery(1, "a", "CNAME")!;
  const loop = Buffer.from([0xc0, query.length + 12]);
  assert.throws(
    () => decodeResponse(response(query, [record("CNAME", loop)]), query, "CNAME"),
    new CheckFailure("L7RSP", "malformed DNS response"),
  );
});

test("whatever comes, reading a response ends in records or in a failure", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...(Object.keys(DNS_TYPES) as DnsType[])),
      (bytes, type) => {
        const query = encodeQuery(1, "example", type)!;
        const message = Buffer.concat([query, bytes]);
        message.writeUInt16BE(0x8180, 2);
        message.writeUInt16BE(3, 6);
        try {
          decodeResponse(message, query, type);
        } catch (error) {
          if (!(error instanceof CheckFailure)) throw error;
        }
      },
    ),
  );
});

test("the reverse name of an address is asked for where the type is PTR", () => {
  assert.equal(reverseName("192.0.2.1"), "1.2.0.192.in-addr.arpa");
  assert.equal(
    reverseName("2001:db8::1"),
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
  );
  assert.equal(dnsCheck({ type: "PTR", name: "192.0.2.1" }).name, "dns PTR 1.2.0.192.in-addr.arpa over udp");
});

test("names that cannot be asked for and unknown types are refused", () => {
  for (const name of ["a..b", "x".repeat(64), `${"abcdefg.".repeat(32)}x`, "a b", "ä"]) {
    assert.throws(() => dnsCheck({ name }), /name: found .*, accepted is a domain name/, name);
  }
  assert.throws(() => dnsCheck({ type: "ANY" as DnsType }), /type: found "ANY", accepted is A, NS, CNAME/);
  assert.throws(
    () => dnsCheck({ transport: "tls" as "tcp" }),
    /transport: found "tls", accepted is udp or tcp/,
  );
  assert.throws(() => dnsCheck({ answerRegex: "(" }), /answerRegex: found/);
});
