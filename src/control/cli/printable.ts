/**
 * Control characters, and the marks that turn the direction of writing. Whatever text comes from elsewhere (a realserver,
 * a client, a file) must not move the cursor or set the title of somebody's terminal.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for; the newline is not among them
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with such characters as `\u001b`; newlines stay. JSON text stays the same JSON. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
