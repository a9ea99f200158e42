/**
 * What one connection of the mixed load does: the client makes a plan and sends it as the first bytes, so both sides know
 * what to expect of each other, byte for byte, without talking about it.
 */
import type { Receiver } from "./stream.js";

/** Behaviours that end in order: every byte must arrive. */
export const ORDERLY = ["clientFirst", "realserverFirst", "slowClient", "slowRealserver", "idler"] as const;
/** Behaviours that end in a reset. */
export const BROKEN = ["clientResets", "realserverResets"] as const;
/** The client goes while its realserver is being connected to; nothing is sent. */
export const GONE = "gone";

export const BEHAVIOURS = [...ORDERLY, ...BROKEN] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export function endsInReset(behaviour: Behaviour): boolean {
  return (BROKEN as readonly string[]).includes(behaviour);
}

/** One connection. */
export interface Plan {
  readonly behaviour: Behaviour;
  /** Of the bytes both ways. */
  readonly seed: number;
  /** Bytes from the client after the plan itself. */
  readonly up: number;
  /** Bytes from the realserver. */
  readonly down: number;
}

/** Behaviour (1 byte), then seed, up and down (4 bytes each). */
export const PLAN_BYTES = 13;

export function encodePlan({ behaviour, seed, up, down }: Plan): Buffer {
  const bytes = Buffer.alloc(PLAN_BYTES);
  bytes.writeUInt8(BEHAVIOURS.indexOf(behaviour), 0);
  bytes.writeUInt32BE(seed, 1);
  bytes.writeUInt32BE(up, 5);
  bytes.writeUInt32BE(down, 9);
  return bytes;
}

export function decodePlan(bytes: Buffer): Plan {
  return {
    behaviour: BEHAVIOURS[bytes.readUInt8(0)],
    seed: bytes.readUInt32BE(1),
    up: bytes.readUInt32BE(5),
    down: bytes.readUInt32BE(9),
  };
}

/** What a process saw of its connections, for each group by itself. */
export interface Account {
  connections: number;
  /** Bytes handed to sockets, and taken from them. */
  sent: number;
  received: number;
}

/** What a process of the mixed load reports. */
export interface TrafficReport {
  readonly orderly: Account;
  readonly broken: Account;
  readonly gone: Account;
  readonly byBehaviour: Readonly<Record<string, number>>;
  /** What went otherwise than planned; the first few, and how many in all. */
  readonly violations: readonly string[];
  readonly violationCount: number;
}

/** Keeps a process's report. */
export class Ledger {
  readonly #report = {
    orderly: emptyAccount(),
    broken: emptyAccount(),
    gone: emptyAccount(),
    byBehaviour: {} as Record<string, number>,
    violations: [] as string[],
    violationCount: 0,
  };

  get report(): TrafficReport {
    return this.#report;
  }

  /** Counts a connection when it has ended. */
  ended(behaviour: Behaviour | typeof GONE, sent: number, received: number): void {
    const account = this.#report[groupOf(behaviour)];
    account.connections++;
    account.sent += sent;
    account.received += received;
    this.#report.byBehaviour[behaviour] = (this.#report.byBehaviour[behaviour] ?? 0) + 1;
  }

  /** Compares what one side received with what its peer was to send. */
  check({ behaviour, seed }: Plan, receiver: Receiver, expected: number): void {
    const { received, wrongAt, isFinished } = receiver;
    if (wrongAt >= 0) this.violated(`${behaviour} ${seed}: byte ${wrongAt} came wrong`);
    if (endsInReset(behaviour)) return;
    if (received !== expected) this.violated(`${behaviour} ${seed}: ${received} of ${expected} bytes came`);
    if (!isFinished) this.violated(`${behaviour} ${seed}: reset`);
  }

  violated(text: string): void {
    this.#report.violationCount++;
    if (this.#report.violations.length < 10) this.#report.violations.push(text);
  }
}

function groupOf(behaviour: Behaviour | typeof GONE): "orderly" | "broken" | "gone" {
  if (behaviour === GONE) return "gone";
  return endsInReset(behaviour) ? "broken" : "orderly";
}

function emptyAccount(): Account {
  return { connections: 0, sent: 0, received: 0 };
}
