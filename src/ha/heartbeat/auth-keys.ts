/**
 * The shared keys of a cluster (heartbeat's `authkeys`, reference: ha.md §7.2, §8.2). Any key of the file verifies, the
 * active one signs, so that keys are changed without a stop: add the new one everywhere, make it active everywhere, remove
 * the old one.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { UvsError } from "../../core/errors.js";
import { crc32 } from "./crc32.js";

/** Methods of authentication; heartbeat itself knows crc, md5 and sha1. */
export const AUTH_METHODS = ["crc", "md5", "sha1", "sha256", "sha384", "sha512"] as const;

/** One of them. */
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** One line of the file. */
export interface AuthKey {
  readonly method: AuthMethod;
  /** Empty for crc. */
  readonly secret: string;
}

const MAX_NUMBER = 15;
const OTHERS_BITS = 0o077;
const WEAK: Readonly<Partial<Record<AuthMethod, string>>> = {
  crc: "crc has no key: anybody in the network can speak as a member",
  md5: "md5 is broken; use sha256, or sha1 where a heartbeat 3 takes part",
};

/** See the file's head. */
export class AuthKeys {
  readonly #keys: ReadonlyMap<number, AuthKey>;
  readonly #active: number;

  constructor(keys: ReadonlyMap<number, AuthKey>, active: number) {
    this.#keys = keys;
    this.#active = active;
  }

  /** What is unwise about the keys, in words; empty: nothing. */
  get warnings(): string[] {
    return [...this.#keys].flatMap(([number, { method }]) => {
      const weakness = WEAK[method];
      return weakness === undefined ? [] : [`key ${number}: ${weakness}`];
    });
  }

  /** `N DIGEST` of bytes, with the active key. */
  sign(covered: Uint8Array): string {
    return `${this.#active} ${digestOf(covered, this.#keys.get(this.#active) as AuthKey)}`;
  }

  /** @returns why a digest does not prove the bytes; undefined: it does */
  verify(covered: Uint8Array, keyNumber: number, digest: string): "unknown_key" | "wrong_digest" | undefined {
    const key = this.#keys.get(keyNumber);
    if (key === undefined) return "unknown_key";
    const expected = Buffer.from(digestOf(covered, key));
    const found = Buffer.from(digest);
    return expected.length === found.length && timingSafeEqual(expected, found) ? undefined : "wrong_digest";
  }
}

/**
 * Reads a file of keys.
 * @throws UvsError PERMISSION where others may read it; CONFIG where it cannot be read or has errors, naming the line
 */
export function readAuthKeys(path: string): AuthKeys {
  let mode: number;
  let text: string;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UvsError("CONFIG", `key file ${path} cannot be read: ${(error as Error).message}`, {
      side: "config",
      details: { file: path },
    });
  }
  if ((mode & OTHERS_BITS) !== 0) {
    const found = (mode & 0o777).toString(8).padStart(4, "0");
    throw new UvsError(
      "PERMISSION",
      `key file ${path} has mode ${found}, accepted is 0600: chmod 600 ${path}`,
      { side: "config", details: { file: path, mode: found } },
    );
  }
  return parseAuthKeys(text, path);
}

/** Reads the text of a file of keys. @throws UvsError CONFIG, naming the line */
export function parseAuthKeys(text: string, path: string): AuthKeys {
  const keys = new Map<number, AuthKey>();
  let active: number | undefined;
  let line = 0;
  const refuse = (found: string, accepted: string): never => {
    throw new UvsError("CONFIG", `${path} line ${line}: found ${found}, accepted is ${accepted}`, {
      side: "config",
      details: { file: path, line },
    });
  };
  for (const raw of text.split("\n")) {
    line++;
    const words = raw
      .replace(/#.*/, "")
      .split(/\s+/)
      .filter((word) => word !== "");
    if (words.length === 0) continue;
    const [first, second, secret = "", ...more] = words;
    const numberOf = (word: string | undefined): number => {
      const number = /^\d{1,2}$/.test(word ?? "") ? Number(word) : MAX_NUMBER + 1;
      return number <= MAX_NUMBER
        ? number
        : refuse(`"${word ?? ""}"`, `a key number from 0 to ${MAX_NUMBER}`);
    };
    if (first === "auth") {
      if (active !== undefined) refuse("a second auth line", "one");
      if (words.length !== 2) refuse(`${words.length} words`, "auth NUMBER");
      active = numberOf(second);
      continue;
    }
    const number = numberOf(first);
    const method = AUTH_METHODS.find((name) => name === second);
    if (method === undefined) return refuse(`method "${second ?? ""}"`, AUTH_METHODS.join(", "));
    if (keys.has(number)) refuse(`key ${number} again`, "each number once");
    // A secret is never repeated in a message.
    if (more.length > 0) refuse("more than one word of key", "one word");
    if ((method === "crc") !== (secret === "")) {
      refuse(
        method === "crc" ? "a key" : "no key",
        method === "crc" ? "none with crc" : `one with ${method}`,
      );
    }
    keys.set(number, { method, secret });
  }
  line = 0;
  if (active === undefined || !keys.has(active)) {
    throw new UvsError(
      "CONFIG",
      `${path}: found ${active === undefined ? "no auth line" : `auth ${active} without key ${active}`}, ` +
        "accepted is auth N and a line N METHOD KEY",
      { side: "config", details: { file: path } },
    );
  }
  return new AuthKeys(keys, active);
}

function digestOf(covered: Uint8Array, { method, secret }: AuthKey): string {
  // crc is printed without leading zeros, as heartbeat does.
  if (method === "crc") return crc32(covered).toString(16);
  return createHmac(method, secret).update(covered).digest("hex");
}
