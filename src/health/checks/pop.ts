/** Check kind `pop`: a POP3 greeting, with a login where one is given (RFC 1939). */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkLogin, type LoginOptions } from "./login.js";
import { farewell } from "./reply.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of a POP3 check, as plain data. */
export interface PopOptions extends LoginOptions {
  /** Over TLS, with these parameters. @default none */
  readonly tls?: TlsOptions;
}

/** Makes a POP3 checker. @throws UvsError INVALID */
export function popCheck(options: PopOptions = {}): Checker {
  const login = checkLogin(options);
  const tls = options.tls && prepareTls(options.tls);
  return {
    kind: "pop",
    name: login ? "pop login" : "pop greeting",
    key: `pop ${options.tls && tlsKey(options.tls)} ${JSON.stringify(login)}`,
    probe: (probe) =>
      converse(probe, tls, async (dialogue): Promise<CheckResult> => {
        const greeting = await expectOk(dialogue, "connect");
        if (login) {
          dialogue.write(`USER ${login.user}\r\n`);
          await expectOk(dialogue, "USER");
          dialogue.write(`PASS ${login.password}\r\n`);
          await expectOk(dialogue, "PASS");
        }
        await farewell(dialogue, "QUIT\r\n");
        return passed("L7OK", login ? "logged in" : `greeted by ${excerpt(greeting)}`);
      }),
  };
}

async function expectOk(dialogue: Dialogue, after: string): Promise<string> {
  const line = await dialogue.readLine();
  if (/^\+OK(?: |$)/.test(line)) return line;
  throw new CheckFailure(
    line.startsWith("-ERR") ? "L7STS" : "L7RSP",
    `${after} answered with ${excerpt(line)}, wanted is +OK`,
  );
}
