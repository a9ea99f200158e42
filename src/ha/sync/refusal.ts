/**
 * What an end of a link tells the other one when it ends the connection before the handshake: so that both operators read
 * the reason, not only the one whose director has found it. A frame with a word of a fixed list; nobody believes it further
 * than to end a connection that has proven nothing.
 */

/** Reasons, by the words that go over the wire. */
const EXPLANATIONS = {
  "tls-wanted": "the peer speaks TLS only: this director needs ha.sync.tls as the peer has it",
  "no-tls": "the peer does not speak TLS: it has no ha.sync.tls, as this director does",
  certificate: "the peer does not accept this director's certificate: its log says why",
} as const;

export type RefusalWord = keyof typeof EXPLANATIONS;

/** The frame's body; no greeting begins as it does. */
export function refusalBody(word: RefusalWord): Buffer {
  return Buffer.from(JSON.stringify({ refused: word }));
}

/** @returns why the peer has ended the connection, or undefined where the frame is something else */
export function readRefusal(body: Buffer): string | undefined {
  const words = Object.keys(EXPLANATIONS) as RefusalWord[];
  const word = words.find((known) => body.equals(refusalBody(known)));
  return word && EXPLANATIONS[word];
}

/** What this end says of a peer that it has refused so. */
export const PEER_WITHOUT_TLS = EXPLANATIONS["no-tls"];
export const PEER_WITH_TLS =
  "the peer speaks TLS, and this director has no ha.sync.tls: both need it, or neither";

/** Whether a connection begins as TLS does: a record of a handshake or of an alert. */
export function isTlsRecord(chunk: Buffer): boolean {
  return (chunk[0] === 0x16 || chunk[0] === 0x15) && (chunk.length < 2 || chunk[1] === 0x03);
}

/** Whether a connection begins as a frame before the handshake does: a short length. */
export function isShortFrame(chunk: Buffer): boolean {
  return chunk[0] === 0 && (chunk.length < 2 || chunk[1] === 0);
}
