/** Check kind `imap`: an IMAP greeting, with a login where one is given (RFC 9051). */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkLogin, type LoginOptions } from "./login.js";
import { farewell } from "./reply.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of an IMAP check, as plain data. */
export interface ImapOptions extends LoginOptions {
  /** Over TLS, with these parameters. @default none */
  readonly tls?: TlsOptions;
}

/** Untagged lines before the tagged answer to a login: capabilities, warnings. */
const MAX_UNTAGGED = 100;

/** Makes an IMAP checker. @throws UvsError INVALID */
export function imapCheck(options: ImapOptions = {}): Checker {
  const login = checkLogin(options);
  const tls = options.tls && prepareTls(options.tls);
  return {
    kind: "imap",
    name: login ? "imap login" : "imap greeting",
    key: `imap ${options.tls && tlsKey(options.tls)} ${JSON.stringify(login)}`,
    probe: (probe) =>
      converse(probe, tls, async (dialogue): Promise<CheckResult> => {
        const greeting = await dialogue.readLine();
        if (!/^\* (?:OK|PREAUTH)\b/i.test(greeting)) {
          const code = /^\* BYE\b/i.test(greeting) ? "L7STS" : "L7RSP";
          throw new CheckFailure(code, `greeted with ${excerpt(greeting)}, wanted is * OK`);
        }
        if (login && !/^\* PREAUTH\b/i.test(greeting)) {
          dialogue.write(`a1 LOGIN ${quoted(login.user)} ${quoted(login.password)}\r\n`);
          await expectLoggedIn(dialogue);
        }
        await farewell(dialogue, "a2 LOGOUT\r\n");
        return passed("L7OK", login ? "logged in" : `greeted by ${excerpt(greeting)}`);
      }),
  };
}

async function expectLoggedIn(dialogue: Dialogue): Promise<void> {
  for (let i = 0; i <= MAX_UNTAGGED; i++) {
    const line = await dialogue.readLine();
    if (/^a1 OK\b/i.test(line)) return;
    if (!line.startsWith("* ") || /^\* BYE\b/i.test(line)) {
      throw new CheckFailure("L7STS", `LOGIN answered with ${excerpt(line)}, wanted is a1 OK`);
    }
  }
  throw new CheckFailure("L7RSP", `LOGIN answered with more than ${MAX_UNTAGGED} untagged lines`);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
