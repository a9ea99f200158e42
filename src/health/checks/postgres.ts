/**
 * Check kind `postgres`: the start of a session. Without a user any answer will do that is not "I cannot serve"; with a
 * user the server must let us in; with a query it must return a row.
 */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkLogin, type Login, type LoginOptions } from "./login.js";
import { errorOf, isUnable, logIn, message, readMessage, text } from "./postgres-session.js";
import { farewell } from "./reply.js";
import { type PreparedTls, prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of a PostgreSQL check, as plain data. */
export interface PostgresOptions extends LoginOptions {
  /** Asks for TLS first (SSLRequest), with these parameters. @default none */
  readonly tls?: TlsOptions;
  /** @default the user's name */
  readonly database?: string;
  /** SQL that must return a row; needs `user`. @default none */
  readonly query?: string;
}

const PROTOCOL_3 = 0x0003_0000;
const SSL_REQUEST = 80_877_103;
const LONGEST_QUERY = 4096;
/** Messages between a query and its first row: notices, parameters. */
const MAX_MESSAGES = 100;
/** Whom we say we are where nobody is to be logged in. */
const NOBODY = "uvs";

interface Plan {
  readonly tls: PreparedTls | undefined;
  readonly login: Login | undefined;
  readonly database: string;
  readonly query: string | undefined;
}

/** Makes a PostgreSQL checker. @throws UvsError INVALID */
export function postgresCheck(options: PostgresOptions = {}): Checker {
  const plan = planOf(options);
  const { login, database, query } = plan;
  return {
    kind: "postgres",
    name: query !== undefined ? "postgres query" : login ? "postgres login" : "postgres startup",
    key: `postgres ${options.tls && tlsKey(options.tls)} ${JSON.stringify([login, database, query])}`,
    probe: (probe) => converse(probe, undefined, (dialogue) => talk(dialogue, plan)),
  };
}

function planOf({ tls, query, ...options }: PostgresOptions): Plan {
  const login = checkLogin(options);
  if (query !== undefined && login === undefined)
    throw invalidOption("query", query, "a query only together with a user");
  if (query !== undefined && (query === "" || query.length > LONGEST_QUERY || query.includes("\0"))) {
    throw invalidOption("query", query, `SQL of 1 to ${LONGEST_QUERY} characters`);
  }
  const database = singleLine("database", options.database ?? login?.user ?? NOBODY);
  return { tls: tls && prepareTls(tls), login, database, query };
}

async function talk(dialogue: Dialogue, { tls, login, database, query }: Plan): Promise<CheckResult> {
  if (tls) await askForTls(dialogue, tls);
  dialogue.write(startup(login?.user ?? NOBODY, database));
  if (login === undefined) return judgeFirst(dialogue);
  await logIn(dialogue, login);
  if (query !== undefined) await expectRow(dialogue, query);
  await farewell(dialogue, message("X", Buffer.alloc(0)));
  return passed("L7OK", query === undefined ? "logged in" : "the query returned a row");
}

async function askForTls(dialogue: Dialogue, tls: PreparedTls): Promise<void> {
  dialogue.write(Buffer.concat([int32(8), int32(SSL_REQUEST)]));
  const answer = (await dialogue.readExactly(1)).toString("latin1");
  if (answer === "N") throw new CheckFailure("L6RSP", "TLS is not offered");
  if (answer !== "S") throw new CheckFailure("L7RSP", `SSLRequest answered with ${excerpt(answer)}`);
  await dialogue.startTls(tls);
}

/** Whether the server takes part at all: it asks for a login, or refuses us for what we are. */
async function judgeFirst(dialogue: Dialogue): Promise<CheckResult> {
  const { type, body } = await readMessage(dialogue);
  if (type === "R") return passed("L7OK", "asks for a login");
  if (type === "E" && !isUnable(body)) return passed("L7OK", "refuses an unknown user, which is an answer");
  if (type === "E") throw errorOf(body, "startup");
  throw new CheckFailure("L7RSP", `startup answered with a message of type ${excerpt(type)}`);
}

async function expectRow(dialogue: Dialogue, query: string): Promise<void> {
  dialogue.write(message("Q", text(query)));
  for (let i = 0; i < MAX_MESSAGES; i++) {
    // Only the type of a row matters: it may be of any length.
    const header = await dialogue.readExactly(1);
    if (header.toString("latin1") === "D") return;
    dialogue.unread(header);
    const { type, body } = await readMessage(dialogue);
    if (type === "E") throw errorOf(body, "query");
    if (type === "Z") break;
  }
  throw new CheckFailure("L7RSP", "the query returned no rows");
}

function startup(user: string, database: string): Buffer {
  const body = Buffer.concat([
    int32(PROTOCOL_3),
    text("user"),
    text(user),
    text("database"),
    text(database),
    text(""),
  ]);
  return Buffer.concat([int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
