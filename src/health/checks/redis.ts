/** Check kind `redis`: PING, after an AUTH where a password is given. A server that loads its data set or wants a login fails. */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkPassword } from "./login.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of a Redis check, as plain data. */
export interface RedisOptions {
  /** Over TLS, with these parameters. @default none */
  readonly tls?: TlsOptions;
  /** Name in the server's access list (Redis 6 and later); needs `password`. @default the default user */
  readonly user?: string;
  /** @default no AUTH */
  readonly password?: string;
}

/** Makes a Redis checker. @throws UvsError INVALID */
export function redisCheck(options: RedisOptions = {}): Checker {
  const { user, password } = options;
  if (user !== undefined && password === undefined) {
    throw invalidOption("user", user, "a user only together with a password");
  }
  const names = user === undefined ? [] : [singleLine("user", user)];
  const auth = password === undefined ? undefined : command("AUTH", ...names, checkPassword(password));
  const tls = options.tls && prepareTls(options.tls);
  return {
    kind: "redis",
    name: auth === undefined ? "redis PING" : "redis AUTH and PING",
    key: `redis ${options.tls && tlsKey(options.tls)} ${JSON.stringify([user, password])}`,
    probe: (probe) =>
      converse(probe, tls, async (dialogue): Promise<CheckResult> => {
        if (auth !== undefined) await ask(dialogue, auth, "AUTH", "+OK");
        await ask(dialogue, command("PING"), "PING", "+PONG");
        return passed("L7OK", "answered PONG");
      }),
  };
}

async function ask(dialogue: Dialogue, bytes: string, what: string, wanted: string): Promise<void> {
  dialogue.write(bytes);
  const line = await dialogue.readLine();
  if (line === wanted) return;
  throw new CheckFailure(
    line.startsWith("-") ? "L7STS" : "L7RSP",
    `${what} answered with ${excerpt(line)}, wanted is ${wanted}`,
  );
}

/** A command in Redis's protocol: an array of strings, each after its length. */
function command(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}
