/**
 * A message of Linux-HA's heartbeat: named fields in the order in which they are sent (reference: ha.md §8.3). The order
 * matters to the digest of the classic form only; a reader never depends on it.
 */

/** A value: text of Latin-1 characters, or raw bytes (`srcuuid`). */
export type FieldValue = string | Uint8Array;

/** Fields by name, without `auth`, which belongs to the envelope. */
export type Message = ReadonlyMap<string, FieldValue>;

/** The text of a field; undefined where it is absent or raw bytes. */
export function textField(message: Message, name: string): string | undefined {
  const value = message.get(name);
  return typeof value === "string" ? value : undefined;
}

/** A number in hexadecimal, as `seq`, `hg`, `ts` and `dt` are. @returns undefined where it is none below 2^48 */
export function hexField(message: Message, name: string): number | undefined {
  const text = textField(message, name);
  return text !== undefined && /^[0-9a-f]{1,12}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** Words separated by commas, `-` for none. @returns undefined where the field is absent */
export function listField(message: Message, name: string): string[] | undefined {
  const text = textField(message, name);
  if (text === undefined) return undefined;
  return text === "-" ? [] : text.split(",");
}

/** The text of a list. */
export function listText(words: Iterable<string>): string {
  return [...words].join(",") || "-";
}
