/** Replies of the line protocols that answer with three digits (SMTP, FTP), and a polite end for all. */
import { CheckFailure } from "../checker.js";
import { excerpt } from "../excerpt.js";
import type { Dialogue } from "./dialogue.js";

/** Lines of one reply. */
const MAX_LINES = 100;
/** How long the answer to a farewell is waited for: whether it comes does not matter. */
const FAREWELL_MS = 250;

/** A reply: its code and lines, without the codes. Foreign text. */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

/**
 * Reads a reply of one or several lines (RFC 5321 section 4.2.1: `250-` continues, `250 ` is the last).
 * @throws CheckFailure L7RSP where it is none; as Dialogue.readLine
 */
export async function readReply(dialogue: Dialogue): Promise<Reply> {
  const lines: string[] = [];
  let first: string | undefined;
  while (lines.length < MAX_LINES) {
    const line = await dialogue.readLine();
    const [, digits, separator = " ", text = ""] = /^([1-5]\d\d)(?:([ -])(.*))?$/.exec(line) ?? [];
    // FTP lets the lines in between be free text (RFC 959 section 4.2).
    if (first === undefined && digits === undefined) throw notReply(line);
    first ??= digits;
    lines.push(digits === undefined ? line : text);
    if (digits === first && separator === " ") return { code: Number(digits), lines };
  }
  throw new CheckFailure("L7RSP", `reply of more than ${MAX_LINES} lines`);
}

/**
 * Reads a reply and insists on its code.
 * @param after what it answers, for people: `EHLO`
 * @throws CheckFailure L7STS where it is another
 */
export async function expectReply(
  dialogue: Dialogue,
  after: string,
  ...codes: readonly number[]
): Promise<Reply> {
  const reply = await readReply(dialogue);
  if (!codes.includes(reply.code)) throw unexpectedReply(reply, after, codes);
  return reply;
}

/** The failure of a reply with the wrong code. */
export function unexpectedReply(
  { code, lines }: Reply,
  after: string,
  codes: readonly number[],
): CheckFailure {
  return new CheckFailure(
    "L7STS",
    `${after} answered with ${code}, wanted is ${codes.join(" or ")} (${excerpt(lines[0])})`,
  );
}

/**
 * Says that the conversation is over and lets the realserver answer, so that it logs no broken connection. Never throws:
 * the result is known by now.
 */
export async function farewell(dialogue: Dialogue, words: string | Uint8Array): Promise<void> {
  dialogue.write(words);
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FAREWELL_MS);
  });
  const answer = dialogue.read().catch(() => {});
  await Promise.race([answer, patience]);
  clearTimeout(timer);
}

function notReply(line: string): CheckFailure {
  return new CheckFailure("L7RSP", `not a reply with a code: ${excerpt(line)}`);
}
