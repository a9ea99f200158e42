/** Messages of the PostgreSQL protocol 3, and logging in: clear text, MD5, and SCRAM-SHA-256 (RFC 5802, RFC 7677). */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { CheckFailure } from "../checker.js";
import { excerpt } from "../excerpt.js";
import type { Dialogue } from "./dialogue.js";
import type { Login } from "./login.js";

/** A message: its type letter and what follows the length. */
export interface Message {
  readonly type: string;
  readonly body: Buffer;
}

const LARGEST_MESSAGE = 16 * 1024;
/** Messages from the startup to ready: parameters, notices, authentication. */
const MAX_MESSAGES = 200;
/** Kinds of an authentication request. */
const AUTH = { OK: 0, CLEAR_TEXT: 3, MD5: 5, SASL: 10, SASL_CONTINUE: 11, SASL_FINAL: 12 } as const;
const MECHANISM = "SCRAM-SHA-256";
/** The server sets how often is hashed: more would keep a thread busy for seconds. */
const MAX_ITERATIONS = 500_000;
const stretch = promisify(pbkdf2);

/** Reads a message. @throws CheckFailure L7RSP where it is none, or too long; as Dialogue.readExactly */
export async function readMessage(dialogue: Dialogue): Promise<Message> {
  const header = await dialogue.readExactly(5);
  const size = header.readUInt32BE(1) - 4;
  if (size < 0 || size > LARGEST_MESSAGE) {
    throw new CheckFailure("L7RSP", `not a PostgreSQL message: ${excerpt(header)}`);
  }
  return { type: header.toString("latin1", 0, 1), body: await dialogue.readExactly(size) };
}

/** Frames a message. */
export function message(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const size = Buffer.alloc(4);
  const body = Buffer.concat([size, ...parts]);
  body.writeUInt32BE(body.length, 0);
  return Buffer.concat([Buffer.from(type, "latin1"), body]);
}

/** A string with its NUL. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** The failure that an error message tells: SQL state and text. */
export function errorOf(body: Buffer, after: string): CheckFailure {
  const { C: state = "unknown", M: words = "" } = fieldsOf(body);
  return new CheckFailure("L7STS", `${after} answered with error ${excerpt(state)} ${excerpt(words)}`);
}

/**
 * Whether an error says that the server cannot serve anybody now: no resources left (class 53), or starting up and
 * shutting down (57P01 to 57P03).
 */
export function isUnable(body: Buffer): boolean {
  return /^(?:53|57P0[123]$)/.test(fieldsOf(body)["C"] ?? "");
}

/**
 * Goes from the startup message to where queries are taken.
 * @throws CheckFailure L7STS where the server refuses, L7RSP where it asks for what is not supported
 */
export async function logIn(dialogue: Dialogue, login: Login): Promise<void> {
  for (let i = 0; i < MAX_MESSAGES; i++) {
    const { type, body } = await readMessage(dialogue);
    if (type === "Z") return;
    if (type === "E") throw errorOf(body, "login");
    if (type === "R") await authenticate(dialogue, login, body);
    else if (!"SKN".includes(type)) throw unexpected(type);
  }
  throw new CheckFailure("L7RSP", `login not done after ${MAX_MESSAGES} messages`);
}

async function authenticate(dialogue: Dialogue, { user, password }: Login, body: Buffer): Promise<void> {
  const method = body.length >= 4 ? body.readUInt32BE() : -1;
  if (method === AUTH.OK) return;
  if (method === AUTH.CLEAR_TEXT) {
    dialogue.write(message("p", text(password)));
  } else if (method === AUTH.MD5) {
    const inner = createHash("md5")
      .update(password + user)
      .digest("hex");
    const outer = createHash("md5").update(inner).update(body.subarray(4, 8)).digest("hex");
    dialogue.write(message("p", text(`md5${outer}`)));
  } else if (method === AUTH.SASL && body.toString("latin1", 4).split("\0").includes(MECHANISM)) {
    await scram(dialogue, password);
  } else {
    throw new CheckFailure("L7RSP", `the server wants the login method ${method}, which is not supported`);
  }
}

async function scram(dialogue: Dialogue, password: string): Promise<void> {
  const nonce = randomBytes(18).toString("base64");
  const first = `n=,r=${nonce}`;
  const initial = Buffer.from(`n,,${first}`);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(initial.length);
  dialogue.write(message("p", text(MECHANISM), size, initial));

  const challenge = await readSasl(dialogue, AUTH.SASL_CONTINUE);
  const [, serverNonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d{1,9})$/.exec(challenge) ?? [];
  if (serverNonce === undefined || !serverNonce.startsWith(nonce) || Number(iterations) > MAX_ITERATIONS) {
    throw new CheckFailure("L7RSP", `not a SCRAM challenge: ${excerpt(challenge)}`);
  }
  const key = await stretch(
    password.normalize("NFKC"),
    Buffer.from(salt, "base64"),
    Number(iterations) || 1,
    32,
    "sha256",
  );
  const unproven = `c=biws,r=${serverNonce}`;
  const signed = `${first},${challenge},${unproven}`;
  const clientKey = hmac(key, "Client Key");
  const signature = hmac(createHash("sha256").update(clientKey).digest(), signed);
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i])).toString("base64");
  dialogue.write(message("p", Buffer.from(`${unproven},p=${proof}`)));

  const outcome = await readSasl(dialogue, AUTH.SASL_FINAL);
  const wanted = Buffer.from(`v=${hmac(hmac(key, "Server Key"), signed).toString("base64")}`);
  const found = Buffer.from(outcome);
  if (found.length !== wanted.length || !timingSafeEqual(found, wanted)) {
    throw new CheckFailure("L7RSP", "the server does not know the password (SCRAM signature)");
  }
}

async function readSasl(dialogue: Dialogue, kind: number): Promise<string> {
  const { type, body } = await readMessage(dialogue);
  if (type === "E") throw errorOf(body, "login");
  if (type !== "R" || body.length < 4 || body.readUInt32BE() !== kind) throw unexpected(type);
  return body.toString("latin1", 4);
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

function unexpected(type: string): CheckFailure {
  return new CheckFailure("L7RSP", `login answered with an unexpected message of type ${excerpt(type)}`);
}

/** The fields of an error by their letters. */
function fieldsOf(body: Buffer): Record<string, string | undefined> {
  const fields: Record<string, string> = {};
  for (const field of body.toString("utf8").split("\0")) if (field !== "") fields[field[0]] = field.slice(1);
  return fields;
}
