import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Checker } from "../../../../src/health/checker.js";
import { ftpCheck } from "../../../../src/health/checks/ftp.js";
import { imapCheck } from "../../../../src/health/checks/imap.js";
import { popCheck } from "../../../../src/health/checks/pop.js";
import { smtpCheck } from "../../../../src/health/checks/smtp.js";
import { runProbe, told } from "../../../helpers/check-probe.js";
import { startLineServer } from "../../../helpers/line-server.js";
import { startRealserver } from "../../../helpers/tcp.js";

/** Probes a server of this greeting and these answers. @returns the result in a line, and what the server was told */
async function converse(
  checker: Checker,
  greeting: string,
  answers: Readonly<Record<string, string>>,
): Promise<{ result: string; lines: readonly string[] }> {
  const server = await startLineServer(greeting, answers);
  try {
    return { result: told(await runProbe(checker, server)), lines: server.lines };
  } finally {
    await server.close();
  }
}

describe("smtp", () => {
  const helo = "director.example";
  const check = smtpCheck({ helo });

  test("greets, reads replies of several lines, and says QUIT", async () => {
    const { result, lines } = await converse(check, "220-mx\r\n220 ready\r\n", {
      EHLO: "250-mx.example\r\n250-PIPELINING\r\n250 HELP\r\n",
      QUIT: "221 bye\r\nEND",
    });
    assert.equal(result, 'passed L7OK: greeted by "mx.example"');
    assert.deepEqual(lines, [`EHLO ${helo}`, "QUIT"]);
  });

  test("falls back to HELO where EHLO is not known", async () => {
    const { result, lines } = await converse(check, "220 old\r\n", {
      EHLO: "502 no\r\n",
      HELO: "250 old\r\n",
    });
    assert.equal(result, 'passed L7OK: greeted by "old"');
    assert.deepEqual(lines, [`EHLO ${helo}`, `HELO ${helo}`, "QUIT"]);
  });

  test("passes where QUIT is not answered", async () => {
    const { result } = await converse(check, "220 mx\r\n", { EHLO: "250 mx\r\n" });
    assert.match(result, /^passed/);
  });

  const refusals: readonly (readonly [string, string, Readonly<Record<string, string>>, string])[] = [
    [
      "a greeting of 554",
      "554 go away\r\n",
      {},
      'failed L7STS: connect answered with 554, wanted is 220 ("go away")',
    ],
    [
      "EHLO answered with 421",
      "220 mx\r\n",
      { EHLO: "421 busy\r\n" },
      'failed L7STS: EHLO answered with 421, wanted is 250 ("busy")',
    ],
    [
      "HELO refused as well",
      "220 mx\r\n",
      { EHLO: "502 no\r\n", HELO: "550 no\r\n" },
      'failed L7STS: HELO answered with 550, wanted is 250 ("no")',
    ],
    ["another protocol", "SSH-2.0-x\r\n", {}, 'failed L7RSP: not a reply with a code: "SSH-2.0-x"'],
    ["a reply that never ends", "220-x\r\n".repeat(101), {}, "failed L7RSP: reply of more than 100 lines"],
    [
      "a line longer than any",
      `220 ${"x".repeat(5000)}\r\n`,
      {},
      `failed L7RSP: line of more than 4096 bytes: "220 ${"x".repeat(116)}"...`,
    ],
  ];
  for (const [what, greeting, answers, expected] of refusals) {
    test(`fails on ${what}`, async () =>
      assert.equal((await converse(check, greeting, answers)).result, expected));
  }

  test("fails where STARTTLS is asked for and not offered", async () => {
    const { result } = await converse(smtpCheck({ helo, tls: {}, startTls: true }), "220 mx\r\n", {
      EHLO: "250-mx\r\n250 HELP\r\n",
    });
    assert.equal(result, 'failed L7RSP: STARTTLS is not offered by "mx"');
  });

  test("fails in the handshake where STARTTLS leads to something else", async () => {
    const steps = ["250-mx\r\n250 STARTTLS\r\n", "220 go\r\n", "500 this is no handshake\r\n"];
    const server = await startRealserver((socket) => {
      socket.write("220 mx\r\n");
      socket.on("data", () => socket.write(steps.shift() ?? ""));
    });
    try {
      const check = smtpCheck({ helo, tls: {}, startTls: true });
      assert.match(told(await runProbe(check, server)), /^failed L6RSP: TLS: /);
    } finally {
      await server.close();
    }
  });

  test("refuses options that would break the protocol", () => {
    assert.throws(() => smtpCheck({ helo: "a b" }), /helo: found "a b", accepted is a host name/);
    assert.throws(() => smtpCheck({ helo: "x\r\nDATA" }), /helo: found/);
    assert.throws(
      () => smtpCheck({ startTls: true }),
      /startTls: found true, accepted is true only together with tls/,
    );
  });
});

describe("pop", () => {
  test("passes on the greeting", async () => {
    const { result, lines } = await converse(popCheck(), "+OK ready\r\n", { QUIT: "+OK\r\nEND" });
    assert.equal(result, 'passed L7OK: greeted by "+OK ready"');
    assert.deepEqual(lines, ["QUIT"]);
  });

  test("logs in", async () => {
    const answers = { USER: "+OK\r\n", PASS: "+OK\r\n", QUIT: "+OK\r\nEND" };
    const { result, lines } = await converse(popCheck({ user: "u", password: "p q" }), "+OK\r\n", answers);
    assert.equal(result, "passed L7OK: logged in");
    assert.deepEqual(lines, ["USER u", "PASS p q", "QUIT"]);
  });

  test("fails where the login or the greeting is refused", async () => {
    const check = popCheck({ user: "u" });
    assert.equal(
      (await converse(check, "+OK\r\n", { USER: "+OK\r\n", PASS: "-ERR [AUTH] no\r\n" })).result,
      'failed L7STS: PASS answered with "-ERR [AUTH] no", wanted is +OK',
    );
    assert.equal(
      (await converse(check, "-ERR busy\r\n", {})).result,
      'failed L7STS: connect answered with "-ERR busy", wanted is +OK',
    );
    assert.match((await converse(check, "+OKAY\r\n", {})).result, /^failed L7RSP/);
  });

  test("refuses logins that would break the protocol, without showing passwords", () => {
    assert.throws(
      () => popCheck({ user: "u\r\nDELE 1" }),
      /user: found .*, accepted is text without control/,
    );
    assert.throws(
      () => popCheck({ user: "u", password: "geheim\n" }),
      (error: Error) => !/geheim/.test(error.message),
    );
    assert.throws(
      () => popCheck({ password: "geheim" }),
      /password: found "\(hidden\)".* together with a user/,
    );
  });
});

describe("imap", () => {
  test("passes on the greeting", async () => {
    const { result, lines } = await converse(imapCheck(), "* OK [CAPABILITY IMAP4rev1] hi\r\n", {
      a2: "* BYE\r\nEND",
    });
    assert.equal(result, 'passed L7OK: greeted by "* OK [CAPABILITY IMAP4rev1] hi"');
    assert.deepEqual(lines, ["a2 LOGOUT"]);
  });

  test("logs in with quoted words and reads over untagged lines", async () => {
    const { result, lines } = await converse(imapCheck({ user: 'u"v', password: "p\\q" }), "* OK\r\n", {
      a1: "* CAPABILITY x\r\na1 OK done\r\n",
    });
    assert.equal(result, "passed L7OK: logged in");
    assert.deepEqual(lines, ['a1 LOGIN "u\\"v" "p\\\\q"', "a2 LOGOUT"]);
  });

  test("needs no login where the server knows us already", async () => {
    const { result, lines } = await converse(imapCheck({ user: "u" }), "* PREAUTH hi\r\n", {});
    assert.match(result, /^passed/);
    assert.deepEqual(lines, ["a2 LOGOUT"]);
  });

  test("fails on BYE, on NO, and on endless untagged lines", async () => {
    assert.equal(
      (await converse(imapCheck(), "* BYE overloaded\r\n", {})).result,
      'failed L7STS: greeted with "* BYE overloaded", wanted is * OK',
    );
    assert.equal(
      (await converse(imapCheck({ user: "u" }), "* OK\r\n", { a1: "a1 NO wrong\r\n" })).result,
      'failed L7STS: LOGIN answered with "a1 NO wrong", wanted is a1 OK',
    );
    assert.match(
      (await converse(imapCheck({ user: "u" }), "* OK\r\n", { a1: "* x\r\n".repeat(200) })).result,
      /^failed L7RSP: LOGIN answered with more than 100/,
    );
  });
});

describe("ftp", () => {
  /** A server that serves `file` in passive mode, telling the address 192.0.2.9, which nobody should believe. */
  async function fetch(check: Checker, file: string): Promise<{ result: string; lines: readonly string[] }> {
    const data = await startRealserver((socket) => socket.end(file));
    const port = `${data.port >> 8},${data.port & 255}`;
    try {
      return await converse(check, "220-hello\r\nfree text\r\n220 ready\r\n", {
        USER: "331 password?\r\n",
        PASS: "230 in\r\n",
        TYPE: "200 binary\r\n",
        PASV: `227 Entering Passive Mode (192,0,2,9,${port})\r\n`,
        "RETR /up.txt": "150 here\r\n226 done\r\n",
        RETR: "550 no such file\r\n",
        QUIT: "221 bye\r\nEND",
      });
    } finally {
      await data.close();
    }
  }

  test("passes on the greeting", async () => {
    const { result, lines } = await converse(ftpCheck(), "220 ready\r\n", {});
    assert.equal(result, 'passed L7OK: greeted by "ready"');
    assert.deepEqual(lines, ["QUIT"]);
  });

  test("fetches a file as anonymous, from the realserver itself, and looks at it", async () => {
    const { result, lines } = await fetch(
      ftpCheck({ path: "/up.txt", bodyRegex: "^all (well|good)" }),
      "all well\n",
    );
    assert.equal(result, "passed L7OK: fetched 9 bytes");
    assert.deepEqual(lines, ["USER anonymous", "PASS uvs@", "TYPE I", "PASV", "RETR /up.txt", "QUIT"]);
  });

  test("fails on another content, a missing file, and a refused login", async () => {
    assert.equal(
      (await fetch(ftpCheck({ path: "/up.txt", bodyRegex: "^ok$" }), "bad\u001b[m\n")).result,
      'failed L7RSP: file does not match "^ok$": "bad\\x1b[m\\n"',
    );
    assert.equal(
      (await fetch(ftpCheck({ path: "/none" }), "")).result,
      'failed L7STS: RETR answered with 550, wanted is 125 or 150 ("no such file")',
    );
    assert.equal(
      (await converse(ftpCheck({ user: "u" }), "220 x\r\n", { USER: "530 no\r\n" })).result,
      'failed L7STS: USER answered with 530, wanted is 230 or 331 ("no")',
    );
  });

  test("fails where the passive port is none", async () => {
    const { result } = await converse(ftpCheck({ path: "/x" }), "220 x\r\n", {
      USER: "230 in\r\n",
      TYPE: "200 ok\r\n",
      PASV: "227 (1,2,3,4,999,999)\r\n",
    });
    assert.equal(result, 'failed L7RSP: PASV answered without a port: "(1,2,3,4,999,999)"');
  });

  test("reads no more than a bounded part of an endless file", async () => {
    const { result } = await fetch(ftpCheck({ path: "/up.txt" }), "x".repeat(1_000_000));
    assert.equal(result, "passed L7OK: fetched 65536 bytes");
  });

  test("refuses options that do not go together or would break the protocol", () => {
    assert.throws(() => ftpCheck({ bodyRegex: "x" }), /bodyRegex: .*together with path/);
    assert.throws(() => ftpCheck({ path: "" }), /path: found ""/);
    assert.throws(() => ftpCheck({ path: "a\r\nDELE b" }), /path: found/);
  });
});
