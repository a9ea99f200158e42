/**
 * The note of the addresses that this director has added and not removed yet. A director that is killed cannot remove them;
 * the next one reads the note and does. It is written before an address is added and after it was removed, by a rename, so
 * that it is whole at any moment.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseIp } from "../../core/address.js";
import type { Logger } from "../../core/logger.js";
import type { InterfaceAddress } from "../../core/network-interface.js";

/** An address that is or may be configured by us. */
export type HeldAddress = InterfaceAddress;

/** One file for all groups of a director. */
export class HeldNote {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #onChange: () => void;
  readonly #held = new Map<string, HeldAddress>();

  /** @param onChange told before an address is added and after it was removed */
  constructor(path: string, logger: Logger, onChange: () => void = () => {}) {
    this.#path = path;
    this.#logger = logger;
    this.#onChange = onChange;
  }

  /** What is noted now. */
  held(): HeldAddress[] {
    return [...this.#held.values()];
  }

  /** What an earlier process has left; nothing where there is no note. A damaged one is told and counts as none. */
  leftovers(): HeldAddress[] {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch {
      return [];
    }
    try {
      const parsed: unknown = JSON.parse(text);
      if (Array.isArray(parsed) && parsed.every(isHeldAddress)) return parsed;
    } catch {
      // Told below.
    }
    this.#logger.warn(
      { file: this.#path },
      `${this.#path} is damaged: look for left over addresses (ip addr)`,
    );
    return [];
  }

  /** Forgets everything but these. */
  replace(addresses: readonly HeldAddress[]): void {
    this.#held.clear();
    this.add(addresses);
  }

  add(addresses: readonly HeldAddress[]): void {
    for (const held of addresses) this.#held.set(key(held), held);
    this.#write();
  }

  remove(addresses: readonly HeldAddress[]): void {
    for (const held of addresses) this.#held.delete(key(held));
    this.#write();
  }

  #write(): void {
    this.#onChange();
    const text = JSON.stringify([...this.#held.values()]);
    try {
      try {
        this.#replaceFile(text);
      } catch {
        // Most likely for want of a directory.
        mkdirSync(dirname(this.#path), { recursive: true });
        this.#replaceFile(text);
      }
    } catch (error) {
      // An address without a note is better than none: it is removed on every way out but a kill.
      this.#logger.error({ file: this.#path }, `cannot note which addresses are held: ${String(error)}`);
    }
  }

  #replaceFile(text: string): void {
    writeFileSync(`${this.#path}.new`, text);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function key({ address, interface: name }: HeldAddress): string {
  return `${name} ${address}`;
}

function isHeldAddress(value: unknown): value is HeldAddress {
  const { address, prefix, interface: name } = value as Partial<HeldAddress>;
  return (
    typeof address === "string" &&
    parseIp(address) !== undefined &&
    Number.isInteger(prefix) &&
    typeof name === "string" &&
    /^[^\s/]{1,15}$/.test(name)
  );
}
