/**
 * The floating addresses of a group: added and removed with `ip`, announced, watched. What counts is what the interface has
 * afterwards, not what a command has said: an address that is there already, or gone already, is no failure.
 */
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { Announcer } from "../announce/announcer.js";
import type { IpCommand } from "../links/ip-command.js";
import { addressKey, complaints, listedAddresses } from "../links/ip-output.js";
import type { LinkSnapshot } from "../links/link-watch.js";
import type { Timers } from "../timers.js";
import { addCommand, type FloatingAddress, removeCommand } from "./floating-address.js";
import type { HeldAddress, HeldNote } from "./held-note.js";

/** What the addresses are handled with. */
export interface FloatingParts {
  readonly ip: Pick<IpCommand, "run">;
  readonly note: HeldNote;
  readonly announcer: Pick<Announcer, "start" | "stop">;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The addresses cannot be kept: others remove them again and again. */
  readonly onLost: (reason: string) => void;
}

/** Losses within the window that are made good; one more is a fault. */
const MAX_LOSSES = 5;
const LOSS_WINDOW_MS = 60_000;

/** See the file's head. */
export class FloatingAddresses {
  readonly #addresses: readonly FloatingAddress[];
  readonly #parts: FloatingParts;
  #isWanted = false;
  #isThere = false;
  #lossesMs: number[] = [];

  constructor(addresses: readonly FloatingAddress[], parts: FloatingParts) {
    this.#addresses = addresses;
    this.#parts = parts;
  }

  get isHeld(): boolean {
    return this.#isThere;
  }

  /** Adds and announces them. @returns why that failed; undefined: it did not. Never rejects */
  async take(): Promise<string | undefined> {
    this.#isWanted = true;
    if (this.#addresses.length === 0) return undefined;
    this.#parts.note.add(this.#addresses);
    const failure = await this.#change(this.#addresses.map(addCommand), true);
    if (!this.#isWanted) return undefined;
    this.#isThere = failure === undefined;
    if (this.#isThere) this.#parts.announcer.start();
    return failure;
  }

  /**
   * Removes them, and announces them no longer from the call on.
   * @param graceMs how long they stay for those who have not heard of another place yet
   * @returns why that failed; undefined: none is there any more, or they are wanted again. Never rejects
   */
  async drop(graceMs = 0): Promise<string | undefined> {
    const { announcer, timers } = this.#parts;
    this.#isWanted = false;
    this.#isThere = false;
    announcer.stop();
    if (this.#addresses.length === 0) return undefined;
    if (graceMs > 0) {
      await new Promise<void>((resolve) => void timers.after(graceMs, resolve));
      if (this.#isWanted) return undefined;
    }
    const failure = await this.#change([...this.#addresses].reverse().map(removeCommand), false);
    if (failure === undefined && !this.#isWanted) this.#parts.note.remove(this.#addresses);
    return failure;
  }

  /** Leaves them where they are, and noted: somebody else goes on with them. */
  surrender(): void {
    this.#isWanted = false;
    this.#isThere = false;
    this.#parts.announcer.stop();
  }

  /** Announces them again. */
  announce(): void {
    if (this.#isThere) this.#parts.announcer.start();
  }

  /** Looks whether all are still there; what somebody else has removed is added again at once. */
  check({ addresses }: LinkSnapshot): void {
    if (!this.#isThere) return;
    const missing = this.#addresses.filter(
      ({ interface: name, address }) => !addresses.has(addressKey(name, address)),
    );
    if (missing.length === 0) return;
    const { timers, logger, onLost } = this.#parts;
    const nowMs = timers.nowMs();
    this.#lossesMs = [...this.#lossesMs.filter((atMs) => nowMs - atMs < LOSS_WINDOW_MS), nowMs];
    const names = missing.map(({ address }) => address).join(" ");
    if (this.#lossesMs.length > MAX_LOSSES) {
      onLost(`${names}: somebody else removes it again and again`);
      return;
    }
    logger.warn({ addresses: names }, `${names} was removed by somebody else, and is added again`);
    void this.take().then((failure) => {
      if (failure !== undefined) onLost(failure);
    });
  }

  async #change(commands: readonly string[], shallBeThere: boolean): Promise<string | undefined> {
    const interfaces = new Set(this.#addresses.map((address) => address.interface));
    const listings = [...interfaces].map((name) => `addr show dev ${name}`);
    let lines: string[];
    try {
      lines = await this.#parts.ip.run([...commands, ...listings]);
    } catch (error) {
      return UvsError.from(error).message;
    }
    const there = listedAddresses(lines);
    const wrong = this.#addresses.filter(
      ({ interface: name, address }) => there.has(addressKey(name, address)) !== shallBeThere,
    );
    if (wrong.length === 0) return undefined;
    const names = wrong.map(({ address, interface: name }) => `${address} on ${name}`).join(", ");
    const reasons = complaints(lines).join("; ") || "ip gave no reason";
    return `${names} could not be ${shallBeThere ? "added" : "removed"}: ${reasons}`;
  }
}

/**
 * Removes addresses that no director may have while it is not master: what a killed one has noted, and what is configured.
 * @returns why that failed; undefined: none is there
 */
export async function removeLeftovers(
  configured: readonly HeldAddress[],
  parts: Pick<FloatingParts, "ip" | "note" | "logger">,
): Promise<string | undefined> {
  const suspects = [...parts.note.leftovers(), ...configured];
  if (suspects.length === 0) return undefined;
  const interfaces = [...new Set(suspects.map((suspect) => suspect.interface))];
  const listing = interfaces.map((name) => `addr show dev ${name}`);
  const listed = async (): Promise<Set<string>> => listedAddresses(await parts.ip.run(listing));
  try {
    const before = await listed();
    const present = suspects.filter((suspect) => before.has(addressKey(suspect.interface, suspect.address)));
    if (present.length > 0) {
      const names = [...new Set(present.map(({ address }) => address))].join(" ");
      parts.logger.warn(
        { addresses: names },
        `${names} was left over by a director that did not end in order`,
      );
      await parts.ip.run(present.map(removeCommand));
    }
    const after = await listed();
    const left = present.filter((suspect) => after.has(addressKey(suspect.interface, suspect.address)));
    parts.note.replace(left);
    return left.length > 0
      ? `${left.map(({ address }) => address).join(" ")} could not be removed`
      : undefined;
  } catch (error) {
    return UvsError.from(error).message;
  }
}
