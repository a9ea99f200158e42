/** User and password of checks that log in: both or none. */
import { invalidOption, singleLine } from "../option.js";

/** Whom a check logs in as, as plain data. */
export interface LoginOptions {
  /** @default no login */
  readonly user?: string;
  /** @default empty */
  readonly password?: string;
}

/** A login that was asked for. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

const LONGEST = 512;

/**
 * Checks the options of a login.
 * @returns undefined where none is asked for
 * @throws UvsError INVALID; it never shows the password
 */
export function checkLogin({ user, password }: LoginOptions): Login | undefined {
  if (user === undefined) {
    if (password !== undefined)
      throw invalidOption("password", "(hidden)", "a password only together with a user");
    return undefined;
  }
  if (user === "" || user.length > LONGEST) throw invalidOption("user", user, `1 to ${LONGEST} characters`);
  return { user: singleLine("user", user), password: checkPassword(password ?? "") };
}

/** Checks a password, which may be empty. @throws UvsError INVALID; it never shows the password */
export function checkPassword(password: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (password.length <= LONGEST && !/[\u0000-\u001f\u007f]/.test(password)) return password;
  throw invalidOption(
    "password",
    "(hidden)",
    `at most ${LONGEST} characters, none of them a control character`,
  );
}
