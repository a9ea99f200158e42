/** Networks: an address and how many of its first bits count, `10.0.0.0/8`, `fd77::/16`. */
import { type Family, formatIp, parseIp } from "./address.js";

/** A network as numbers; the words of the address are 0 where those of the mask are. */
export interface Network {
  readonly family: Family;
  readonly words: readonly number[];
  /** Four unsigned words. */
  readonly mask: readonly number[];
  readonly prefix: number;
}

/**
 * Parses a network, or an address without a length, which is a network of one address. Bits behind the length are
 * cleared: compare with `formatNetwork` to know whether there were any.
 * @returns undefined where the text is none; never throws
 */
export function parseNetwork(text: string): Network | undefined {
  const [, host, length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseIp(host ?? "");
  if (address === undefined) return undefined;
  const bits = address.family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return undefined;
  const mask = [0, 32, 64, 96].map((before) => {
    const ones = Math.min(32, Math.max(0, prefix - before));
    return ones === 0 ? 0 : (-1 << (32 - ones)) >>> 0;
  });
  const words = address.words.map((word, i) => (word & mask[i]) >>> 0);
  return { family: address.family, words, mask, prefix };
}

/** The canonical text of a network: always with its length. */
export function formatNetwork({ family, words, prefix }: Network): string {
  return `${formatIp(family, words[0], words[1], words[2], words[3])}/${prefix}`;
}
