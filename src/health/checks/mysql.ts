/**
 * Check kind `mysql`, also for MariaDB: the server's greeting; with a user, a login; with a query, at least one row. A
 * greeting alone, repeated often, counts as broken connections and can make the server block the director
 * (max_connect_errors), so a user without rights is the better check.
 */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkLogin, type Login, type LoginOptions } from "./login.js";
import {
  authenticate,
  CAPABILITY,
  errorOf,
  type Greeting,
  MARK,
  packet,
  readGreeting,
  readPacket,
} from "./mysql-packets.js";
import { farewell } from "./reply.js";
import { type PreparedTls, prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of a MySQL check, as plain data. */
export interface MysqlOptions extends LoginOptions {
  /** Goes on under TLS after the greeting, with these parameters. @default none */
  readonly tls?: TlsOptions;
  /** Needs `user`. @default none */
  readonly database?: string;
  /** SQL that must return a row; needs `user`. @default none */
  readonly query?: string;
}

const MAX_PAYLOAD = 1 << 24;
const CHARSET_UTF8 = 33;
const COMMAND = { QUIT: 1, QUERY: 3 } as const;
/** caching_sha2_password: the server knows the password, or must be sent it. */
const SHA2 = { FAST_OK: 3, SEND_PASSWORD: 4 } as const;
/** Packets of a login beyond any real one. */
const MAX_LOGIN_PACKETS = 8;
const MAX_COLUMNS = 1024;
const LONGEST_QUERY = 4096;

interface Plan {
  readonly tls: PreparedTls | undefined;
  readonly login: Login | undefined;
  readonly database: string | undefined;
  readonly query: string | undefined;
}

/** Makes a MySQL checker. @throws UvsError INVALID */
export function mysqlCheck(options: MysqlOptions = {}): Checker {
  const plan = planOf(options);
  const { login, database, query } = plan;
  return {
    kind: "mysql",
    name: query !== undefined ? "mysql query" : login ? "mysql login" : "mysql greeting",
    key: `mysql ${options.tls && tlsKey(options.tls)} ${JSON.stringify([login, database, query])}`,
    probe: (probe) => converse(probe, undefined, (dialogue) => talk(dialogue, plan)),
  };
}

function planOf({ tls, database, query, ...loginOptions }: MysqlOptions): Plan {
  const login = checkLogin(loginOptions);
  for (const [field, value] of Object.entries({ database, query })) {
    if (value !== undefined && login === undefined)
      throw invalidOption(field, value, `a ${field} only together with a user`);
  }
  if (query !== undefined && (query === "" || query.length > LONGEST_QUERY)) {
    throw invalidOption("query", query, `SQL of 1 to ${LONGEST_QUERY} characters`);
  }
  if (database !== undefined) singleLine("database", database);
  return { tls: tls && prepareTls(tls), login, database, query };
}

async function talk(dialogue: Dialogue, { tls, login, database, query }: Plan): Promise<CheckResult> {
  const greeting = readGreeting(await readPacket(dialogue));
  const reason = `greeted by version ${excerpt(greeting.version)}`;
  let sequence = greeting.sequence + 1;
  if (tls) {
    if ((greeting.capabilities & CAPABILITY.SSL) === 0) throw new CheckFailure("L6RSP", "TLS is not offered");
    dialogue.write(packet(sequence++, clientHead(CAPABILITY.SSL)));
    await dialogue.startTls(tls);
  }
  if (login === undefined) return passed("L7OK", reason);
  dialogue.write(packet(sequence, loginPayload(greeting, login, database, tls !== undefined)));
  await finishLogin(dialogue, greeting, login, tls !== undefined);
  if (query !== undefined) await expectRow(dialogue, query);
  await farewell(dialogue, packet(0, Buffer.from([COMMAND.QUIT])));
  return passed("L7OK", query === undefined ? "logged in" : "the query returned a row");
}

/** Capabilities, largest packet and character set: the start of a login, and all of a request for TLS. */
function clientHead(more: number): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(
    more | CAPABILITY.PROTOCOL_41 | CAPABILITY.SECURE_CONNECTION | CAPABILITY.PLUGIN_AUTH,
    0,
  );
  head.writeUInt32LE(MAX_PAYLOAD, 4);
  head[8] = CHARSET_UTF8;
  return head;
}

function loginPayload(
  greeting: Greeting,
  login: Login,
  database: string | undefined,
  isTls: boolean,
): Buffer {
  // For a method that is not known a known one is offered; the server may then ask to switch.
  const preferred = authenticate(greeting.method, login.password, greeting.salt);
  const method = preferred ? greeting.method : "mysql_native_password";
  const proof = preferred ?? authenticate(method, login.password, greeting.salt)!;
  const more = (isTls ? CAPABILITY.SSL : 0) | (database === undefined ? 0 : CAPABILITY.CONNECT_WITH_DB);
  return Buffer.concat([
    clientHead(more),
    Buffer.from(`${login.user}\0`),
    Buffer.from([proof.length]),
    proof,
    Buffer.from(database === undefined ? "" : `${database}\0`),
    Buffer.from(`${method}\0`),
  ]);
}

/** Answers what the server asks until it says yes or no. */
async function finishLogin(
  dialogue: Dialogue,
  greeting: Greeting,
  { password }: Login,
  isTls: boolean,
): Promise<void> {
  for (let i = 0; i < MAX_LOGIN_PACKETS; i++) {
    const { sequence, payload } = await readPacket(dialogue);
    if (payload[0] === MARK.OK) return;
    if (payload[0] === MARK.ERROR) throw errorOf(payload, "login");
    if (payload[0] === MARK.EOF) {
      const [method] = payload.toString("latin1", 1).split("\0", 1);
      const proof = authenticate(method, password, payload.subarray(2 + method.length, 22 + method.length));
      if (proof === undefined) {
        throw new CheckFailure(
          "L7RSP",
          `the server wants the login method ${excerpt(method)}, which is not supported`,
        );
      }
      dialogue.write(packet(sequence + 1, proof));
    } else if (payload[0] === MARK.MORE && payload[1] === SHA2.SEND_PASSWORD) {
      if (!isTls)
        throw new CheckFailure("L7RSP", `the login method ${excerpt(greeting.method)} needs TLS here`);
      dialogue.write(packet(sequence + 1, Buffer.from(`${password}\0`)));
    } else if (payload[0] !== MARK.MORE || payload[1] !== SHA2.FAST_OK) {
      throw new CheckFailure("L7RSP", `login answered with ${excerpt(payload)}`);
    }
  }
  throw new CheckFailure("L7RSP", `login not done after ${MAX_LOGIN_PACKETS} packets`);
}

async function expectRow(dialogue: Dialogue, query: string): Promise<void> {
  dialogue.write(packet(0, Buffer.concat([Buffer.from([COMMAND.QUERY]), Buffer.from(query)])));
  const { payload } = await readPacket(dialogue);
  if (payload[0] === MARK.ERROR) throw errorOf(payload, "query");
  const columns = payload[0] < 0xfb ? payload[0] : payload.length >= 3 ? payload.readUInt16LE(1) : 0;
  if (columns === 0 || columns > MAX_COLUMNS) throw new CheckFailure("L7RSP", "the query returned no rows");
  // One packet for each column, and one that ends them.
  for (let i = 0; i <= columns; i++) await readPacket(dialogue);
  const first = (await dialogue.readExactly(5)).readUInt8(4);
  if (first === MARK.ERROR)
    throw new CheckFailure("L7STS", "the query answered with an error instead of a row");
  if (first === MARK.EOF) throw new CheckFailure("L7RSP", "the query returned no rows");
}
