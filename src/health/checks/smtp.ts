/** Check kind `smtp`: greeting, EHLO (or HELO, for servers from before 1995), QUIT; in the clear, over TLS, or STARTTLS. */
import { hostname } from "node:os";
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption } from "../option.js";
import { converse, type Dialogue } from "./dialogue.js";
import { expectReply, farewell, type Reply, readReply, unexpectedReply } from "./reply.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of an SMTP check, as plain data. */
export interface SmtpOptions {
  /** Over TLS, with these parameters. @default none */
  readonly tls?: TlsOptions;
  /** Begins in the clear and goes on under TLS after STARTTLS; needs `tls`, which may be `{}`. @default false */
  readonly startTls?: boolean;
  /** Name to greet with. @default the director's host name */
  readonly helo?: string;
}

/** A domain, or an address literal. */
const HELO_NAME = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[A-Za-z0-9.:]{2,50}\])$/;

/** Makes an SMTP checker. @throws UvsError INVALID */
export function smtpCheck(options: SmtpOptions = {}): Checker {
  const { startTls = false, helo = ownName() } = options;
  if (!HELO_NAME.test(helo)) throw invalidOption("helo", helo, "a host name, or an address in brackets");
  if (startTls && options.tls === undefined)
    throw invalidOption("startTls", true, "true only together with tls");
  const tls = options.tls && prepareTls(options.tls);
  return {
    kind: "smtp",
    name: `smtp EHLO ${helo}${startTls ? " with STARTTLS" : ""}`,
    key: `smtp ${options.tls && tlsKey(options.tls)} ${JSON.stringify([startTls, helo])}`,
    probe: (probe) =>
      converse(probe, startTls ? undefined : tls, async (dialogue): Promise<CheckResult> => {
        await expectReply(dialogue, "connect", 220);
        let { lines } = await greet(dialogue, helo);
        if (startTls && tls) {
          if (!lines.some((line) => line.toUpperCase() === "STARTTLS")) {
            throw new CheckFailure("L7RSP", `STARTTLS is not offered by ${excerpt(lines[0])}`);
          }
          dialogue.write("STARTTLS\r\n");
          await expectReply(dialogue, "STARTTLS", 220);
          await dialogue.startTls(tls);
          ({ lines } = await greet(dialogue, helo));
        }
        await farewell(dialogue, "QUIT\r\n");
        return passed("L7OK", `greeted by ${excerpt(lines[0])}`);
      }),
  };
}

async function greet(dialogue: Dialogue, name: string): Promise<Reply> {
  dialogue.write(`EHLO ${name}\r\n`);
  const reply = await readReply(dialogue);
  if (reply.code === 250) return reply;
  if (reply.code < 500) throw unexpectedReply(reply, "EHLO", [250]);
  dialogue.write(`HELO ${name}\r\n`);
  return expectReply(dialogue, "HELO", 250);
}

function ownName(): string {
  const name = hostname();
  return HELO_NAME.test(name) ? name : "localhost";
}
