/** How long an answer of HTTP/1.1 is, from its first bytes. All answers of one path are alike, so one look is enough. */

/** @returns bytes of head and body; undefined while the head is not complete. @throws Error when it is not 200 or tells no length */
export function answerBytes(begin: string): number | undefined {
  const end = begin.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = begin.slice(0, end);
  const [status] = head.split("\r\n", 1);
  if (!status.startsWith("HTTP/1.1 200")) throw new Error(`answered with "${status}"`);
  const length = /^content-length: *(\d+)$/im.exec(head);
  if (length === null) throw new Error("the answer tells no length");
  return end + 4 + Number(length[1]);
}
