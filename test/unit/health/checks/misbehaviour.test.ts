/** What every check kind that talks over TCP does with a realserver that does not play by the rules. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import type { Checker } from "../../../../src/health/checker.js";
import { agentCheck } from "../../../../src/health/checks/agent.js";
import { dnsCheck } from "../../../../src/health/checks/dns.js";
import { ftpCheck } from "../../../../src/health/checks/ftp.js";
import { imapCheck } from "../../../../src/health/checks/imap.js";
import { ldapCheck } from "../../../../src/health/checks/ldap.js";
import { mysqlCheck } from "../../../../src/health/checks/mysql.js";
import { popCheck } from "../../../../src/health/checks/pop.js";
import { postgresCheck } from "../../../../src/health/checks/postgres.js";
import { redisCheck } from "../../../../src/health/checks/redis.js";
import { sipCheck } from "../../../../src/health/checks/sip.js";
import { smtpCheck } from "../../../../src/health/checks/smtp.js";
import { runProbe } from "../../../helpers/check-probe.js";
import { refusingTarget, startRealserver } from "../../../helpers/tcp.js";

const LOGIN = { user: "uvs", password: "secret" };

const checkers: Readonly<Record<string, Checker>> = {
  smtp: smtpCheck(),
  pop: popCheck(LOGIN),
  imap: imapCheck(LOGIN),
  ftp: ftpCheck(LOGIN),
  "dns over tcp": dnsCheck({ transport: "tcp" }),
  redis: redisCheck(),
  mysql: mysqlCheck(LOGIN),
  postgres: postgresCheck(),
  "postgres login": postgresCheck(LOGIN),
  ldap: ldapCheck({ baseDn: "dc=example" }),
  "sip over tcp": sipCheck({ transport: "tcp" }),
};

/** Terminal escapes, a bell, a line break, and a character that turns the direction of text. */
const HOSTILE = Buffer.from("\u001b[31mred\u001b]0;title\u0007\r\n\u202eabc\0\r\n".repeat(20));
/** A label too long for DNS: unknown on every machine, without asking a name server. */
const UNKNOWN_NAME = `${"x".repeat(70)}.invalid`;
const TIMEOUT_MS = 250;

/** How a realserver may behave, what comes of it, and the least reason. */
const behaviours: Readonly<
  Record<string, { serve: (socket: Socket) => void; code: RegExp; reason: RegExp }>
> = {
  "says nothing": {
    serve: () => {},
    code: /^L7TOUT$/,
    reason: new RegExp(`^timed out after ${TIMEOUT_MS} ms while waiting for the answer$`),
  },
  "closes at once": {
    serve: (socket) => socket.end(),
    code: /^L7RSP$/,
    reason: /closed after nothing|reset/,
  },
  "resets the connection": {
    serve: (socket) => setImmediate(() => socket.resetAndDestroy()),
    code: /^L7RSP$/,
    reason: /^connection reset$|closed/,
  },
  "sends terminal escapes": { serve: (socket) => socket.write(HOSTILE), code: /^L7(RSP|TOUT)$/, reason: /./ },
  "sends random bytes": {
    serve: (socket) => socket.end(Buffer.concat([randomBytes(64), Buffer.from("\r\n")])),
    code: /^L7(RSP|STS)$/,
    reason: /./,
  },
  "sends a byte now and then (slow loris)": {
    serve(socket) {
      const timer = setInterval(() => socket.write("2"), 5);
      socket.on("close", () => clearInterval(timer));
    },
    code: /^L7(TOUT|RSP)$/,
    reason: /./,
  },
  "sends without end": {
    serve(socket) {
      const more = (): void => {
        while (socket.writable && socket.write("x".repeat(16_384)));
      };
      socket.on("drain", more);
      more();
    },
    code: /^L7(RSP|TOUT)$/,
    reason: /./,
  },
};

for (const [kind, checker] of Object.entries(checkers)) {
  describe(`${kind}: a realserver that`, () => {
    for (const [behaviour, { serve, code, reason }] of Object.entries(behaviours)) {
      it(`${behaviour} has failed, with a reason that is safe to show`, async () => {
        const realserver = await startRealserver(serve);
        try {
          const result = await runProbe(checker, realserver, { timeoutMs: TIMEOUT_MS });
          assert.equal(result.outcome, "failed");
          assert.match(result.code, code);
          assert.match(result.reason, reason);
          assert.doesNotMatch(result.reason, /[\p{C}\p{Zl}\p{Zp}]/u);
          assert.ok(result.reason.length < 800, result.reason);
        } finally {
          await realserver.close();
        }
      });
    }

    it("refuses the connection has failed", async () => {
      const { outcome, code, reason } = await runProbe(checker, await refusingTarget());
      assert.deepEqual(
        { outcome, code, reason },
        { outcome: "failed", code: "L4CON", reason: "connection refused" },
      );
    });

    it("has a name that nobody knows has failed", async () => {
      const { outcome, code } = await runProbe(checker, { address: UNKNOWN_NAME, port: 1 });
      assert.deepEqual({ outcome, code }, { outcome: "failed", code: "SOCKERR" });
    });
  });
}

describe("agent: a realserver that", () => {
  for (const [behaviour, { serve }] of Object.entries(behaviours)) {
    it(`${behaviour} changes nothing`, async () => {
      const realserver = await startRealserver(serve);
      try {
        const { outcome, weight, admin, reason } = await runProbe(agentCheck(), realserver, {
          timeoutMs: TIMEOUT_MS,
        });
        assert.deepEqual(
          { outcome, weight, admin },
          { outcome: "neutral", weight: undefined, admin: undefined },
        );
        assert.doesNotMatch(reason, /[\p{C}\p{Zl}\p{Zp}]/u);
      } finally {
        await realserver.close();
      }
    });
  }
});
