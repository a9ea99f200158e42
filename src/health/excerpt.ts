/** Makes what a realserver or a program said safe to show: on one line, bounded, without control characters. */

/** Longest excerpt in characters, before escaping. */
export const EXCERPT_LENGTH = 120;

/** Control and format characters (which turn the direction of text, CVE-2021-42574), line separators, lone surrogates. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\\]/gu;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/**
 * An excerpt of foreign text for logs, status and alerts: `"HTTP/1.1 503 Go away\r\n"...`.
 * @param text bytes are read as UTF-8, what is none becomes U+FFFD
 * @param length characters shown; what is longer ends in `...`
 * @returns in double quotes, control characters as `\n`, `\xNN` or `\u{NNNN}`; `nothing` where the text is empty
 */
export function excerpt(text: string | Uint8Array, length = EXCERPT_LENGTH): string {
  // A character has at most four bytes.
  const head = typeof text === "string" ? text : Buffer.from(text.subarray(0, length * 4)).toString("utf8");
  if (head.length === 0) return "nothing";
  const isCut = head.length > length || text.length > length * 4;
  return `"${escaped(head.slice(0, length)).replaceAll('"', '\\"')}"${isCut ? "..." : ""}`;
}

/** As `excerpt`, without the quotes: for text of our own making that may hold foreign parts, such as error messages. */
export function escaped(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!;
    return (
      NAMED[character] ??
      (code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`)
    );
  });
}
