/**
 * The floating addresses of a group: added and removed, announced, watched. What counts is what the interface has
 * afterwards, not what the kernel has answered: an address that is there already, or gone already, is no failure.
 */
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { Announcer } from "../announce/announcer.js";
import { addressKey, addressKeys, type Interfaces } from "../links/interfaces.js";
import type { LinkSnapshot } from "../links/link-watch.js";
import type { Timers } from "../timers.js";
import { type FloatingAddress, wantedAddress } from "./floating-address.js";
import type { HeldAddress, HeldNote } from "./held-note.js";

/** What the addresses are handled with. */
export interface FloatingParts {
  readonly interfaces: Interfaces;
  readonly note: HeldNote;
  readonly announcer: Pick<Announcer, "refusal" | "start" | "stop">;
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
  /** Ends the time that is left to clients. */
  #endGrace: () => void = () => {};

  constructor(addresses: readonly FloatingAddress[], parts: FloatingParts) {
    this.#addresses = addresses;
    this.#parts = parts;
  }

  get isHeld(): boolean {
    return this.#isThere;
  }

  /**
   * Adds and announces them, before it returns.
   * @param isAnnouncedLater by `announce`
   * @returns why that failed; undefined: it did not
   */
  take(isAnnouncedLater = false): string | undefined {
    const { announcer, interfaces, note } = this.#parts;
    this.#isWanted = true;
    if (this.#addresses.length === 0) return undefined;
    // Clients would go on to whoever had them before.
    const refusal = announcer.refusal();
    if (refusal !== undefined) return refusal;
    note.add(this.#addresses);
    const failure = this.#change(this.#addresses, true, (address) => interfaces.add(wantedAddress(address)));
    this.#isThere = failure === undefined;
    if (this.#isThere && !isAnnouncedLater) announcer.start();
    return failure;
  }

  /**
   * Removes them, before it returns where nothing is to be waited for, and announces them no longer from the call on.
   * @param graceMs how long they stay for those who have not heard of another place yet
   * @returns why that failed; undefined: none is there any more, or they are wanted again. Never rejects
   */
  drop(graceMs = 0): Promise<string | undefined> {
    const { announcer, timers } = this.#parts;
    this.#isWanted = false;
    this.#isThere = false;
    announcer.stop();
    if (graceMs === 0 || this.#addresses.length === 0) return Promise.resolve(this.#remove());
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#endGrace = () => {};
        resolve(this.#remove());
      };
      const cancel = timers.after(graceMs, end);
      this.#endGrace = end;
    });
  }

  /** Those that stay for a while go now. */
  hasten(): void {
    this.#endGrace();
  }

  /** Opens what announces them, and goes through `drop` while there is nothing to remove: code that has run is compiled. */
  rehearse(graceMs: number): void {
    this.#parts.announcer.refusal();
    void this.drop(graceMs);
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
    const unseen = this.#addresses.filter(
      ({ interface: name, address }) => !addresses.has(addressKey(name, address)),
    );
    // Since that was seen they may have been added.
    const missing = this.#differing(unseen, true);
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
    const failure = this.take();
    if (failure !== undefined) onLost(failure);
  }

  /** @returns why that failed; undefined: none is there any more, or they are wanted again */
  #remove(): string | undefined {
    if (this.#isWanted) return undefined;
    const { interfaces, note } = this.#parts;
    const failure = this.#change([...this.#addresses].reverse(), false, (held) => interfaces.remove(held));
    if (failure === undefined) note.remove(this.#addresses);
    return failure;
  }

  /** @returns why not all have become what was wanted; undefined: they have */
  #change(
    addresses: readonly FloatingAddress[],
    shallBeThere: boolean,
    change: (address: FloatingAddress) => string | undefined,
  ): string | undefined {
    const refusals = new Map<FloatingAddress, string>();
    for (const address of addresses) {
      const errno = change(address);
      if (errno !== undefined) refusals.set(address, errno);
    }
    if (refusals.size === 0) return undefined;
    const wrong = this.#differing([...refusals.keys()], shallBeThere);
    if (wrong.length === 0) return undefined;
    const names = wrong.map(({ address, interface: name }) => `${address} on ${name}`).join(", ");
    const reasons = [...new Set(wrong.map((address) => inWords(refusals.get(address) ?? "")))].join("; ");
    return `${names} could not be ${shallBeThere ? "added" : "removed"}: ${reasons}`;
  }

  /** Those that are not as they shall be; all of them where that cannot be seen. */
  #differing(addresses: readonly FloatingAddress[], shallBeThere: boolean): readonly FloatingAddress[] {
    try {
      const there = present(addresses, this.#parts.interfaces);
      return addresses.filter((address) => there.has(address) !== shallBeThere);
    } catch {
      return addresses;
    }
  }
}

/** What can be done about it. */
const ADVICE: Readonly<Record<string, string>> = {
  EPERM: "run as root, or give the capability CAP_NET_ADMIN (in a container: --cap-add NET_ADMIN)",
  ENODEV: "there is no such interface",
  EADDRNOTAVAIL: "it is there with another prefix",
};

function inWords(errno: string): string {
  return errno in ADVICE ? `${errno}: ${ADVICE[errno]}` : errno;
}

/** Those of the addresses that are on their interfaces. @throws UvsError SYSCALL */
function present<Held extends HeldAddress>(addresses: readonly Held[], interfaces: Interfaces): Set<Held> {
  const keys = addressKeys(interfaces.look([...new Set(addresses.map((held) => held.interface))]));
  return new Set(addresses.filter((held) => keys.has(addressKey(held.interface, held.address))));
}

/**
 * Removes addresses that no director may have while it is not master: what a killed one has noted, and what is configured.
 * @returns why that failed; undefined: none is there
 */
export function removeLeftovers(
  configured: readonly HeldAddress[],
  { interfaces, note, logger }: Pick<FloatingParts, "interfaces" | "note" | "logger">,
): string | undefined {
  const suspects = [...note.leftovers(), ...configured];
  if (suspects.length === 0) return undefined;
  try {
    const found = present(suspects, interfaces);
    if (found.size > 0) {
      const names = [...new Set([...found].map(({ address }) => address))].join(" ");
      logger.warn({ addresses: names }, `${names} was left over by a director that did not end in order`);
      for (const held of found) interfaces.remove(held);
    }
    const left = [...present([...found], interfaces)];
    note.replace(left);
    return left.length > 0
      ? `${left.map(({ address }) => address).join(" ")} could not be removed`
      : undefined;
  } catch (error) {
    return UvsError.from(error).message;
  }
}
