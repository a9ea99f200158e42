/**
 * Ping nodes: hosts that belong to nobody, routers as a rule, whose answers say how well this director is connected
 * (reference: ha.md §9.8). What is sent is a signed message of heartbeat, so that only an answer to it counts, and only once.
 */
import { type Family, familyOf } from "../../core/address.js";
import type { EchoSocket, RawSockets } from "../raw-sockets.js";
import type { CancelTimer, Timers } from "../timers.js";
import type { AuthKeys } from "./auth-keys.js";
import { decode, encode } from "./codec.js";
import { echoReply, echoRequest } from "./echo.js";
import { textField } from "./message.js";

/** A ping node, or a group of hosts of which one has to answer. */
export interface PingTarget {
  readonly name: string;
  /** Canonical. */
  readonly hosts: readonly string[];
}

/** What a pinger is made with. */
export interface PingerSettings {
  readonly targets: readonly PingTarget[];
  readonly intervalMs: number;
  /** Silence after which a target is down. */
  readonly deadMs: number;
}

/** What a pinger is made of. */
export interface PingerParts {
  readonly raw: Pick<RawSockets, "openEcho">;
  readonly timers: Timers;
  readonly keys: () => AuthKeys;
  /** So many targets answer. */
  readonly onCount: (count: number) => void;
  /** An echo could not be sent. */
  readonly onTrouble: (host: string, errno: string) => void;
}

/** A target as it is now. */
export interface PingStatus {
  readonly name: string;
  readonly state: "up" | "down" | "unknown";
}

/** See the file's head. */
export class Pinger {
  readonly #settings: PingerSettings;
  readonly #parts: PingerParts;
  readonly #id = process.pid & 0xffff;
  /** Distinguishes this run from all others. */
  readonly #nonce = `${process.pid.toString(16)}-${Date.now().toString(16)}`;
  readonly #sockets = new Map<Family, EchoSocket>();
  readonly #answeredMs = new Map<string, number>();
  /** The number of the last answer of each host. */
  readonly #answered = new Map<string, number>();
  #startedMs = 0;
  #sequence = 0;
  /** What was told last; undefined: nothing yet. */
  #count: number | undefined;
  #cancel: CancelTimer = () => {};

  constructor(settings: PingerSettings, parts: PingerParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** @throws UvsError PERMISSION or SYSCALL where ICMP sockets cannot be opened */
  start(): void {
    const { targets } = this.#settings;
    this.#startedMs = this.#parts.timers.nowMs();
    for (const host of targets.flatMap(({ hosts }) => hosts)) {
      const family = familyOf(host);
      if (this.#sockets.has(family)) continue;
      const open = this.#parts.raw.openEcho(family, (source, message) =>
        this.#received(family, source, message),
      );
      this.#sockets.set(family, open);
    }
    if (targets.length > 0) this.#tick();
  }

  stop(): void {
    this.#cancel();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  statuses(): PingStatus[] {
    const nowMs = this.#parts.timers.nowMs();
    const isNew = nowMs - this.#startedMs < this.#settings.deadMs;
    return this.#settings.targets.map((target) => ({
      name: target.name,
      state: this.#isUp(target, nowMs) ? "up" : isNew ? "unknown" : "down",
    }));
  }

  #tick(): void {
    const { targets, intervalMs } = this.#settings;
    this.#sequence++;
    for (const host of targets.flatMap(({ hosts }) => hosts)) {
      const family = familyOf(host);
      const request = echoRequest(family, this.#id, this.#sequence, this.#payload(host));
      const errno = this.#sockets.get(family)?.send(host, request);
      if (errno !== undefined) this.#parts.onTrouble(host, errno);
    }
    this.#recount();
    this.#cancel = this.#parts.timers.after(intervalMs, () => this.#tick());
  }

  #payload(host: string): Uint8Array {
    const fields = new Map([
      ["t", "NS_st"],
      ["st", "ping"],
      ["src", host],
      ["ts", Math.floor(Date.now() / 1000).toString(16)],
      ["uvs_run", this.#nonce],
      ["uvs_echo", this.#sequence.toString(16)],
    ]);
    return encode(fields, (covered) => this.#parts.keys().sign(covered));
  }

  #received(family: Family, source: string, message: Uint8Array): void {
    const reply = echoReply(family, message);
    if (reply?.id !== this.#id) return;
    const decoded = decode(reply.payload);
    if (typeof decoded === "string") return;
    const { message: fields, covered, keyNumber, digest } = decoded;
    if (this.#parts.keys().verify(covered, keyNumber, digest) !== undefined) return;
    if (textField(fields, "src") !== source || textField(fields, "uvs_run") !== this.#nonce) return;
    const number = Number.parseInt(textField(fields, "uvs_echo") ?? "", 16);
    if (!(number > (this.#answered.get(source) ?? 0))) return;
    this.#answered.set(source, number);
    this.#answeredMs.set(source, this.#parts.timers.nowMs());
    this.#recount();
  }

  #isUp({ hosts }: PingTarget, nowMs: number): boolean {
    return hosts.some(
      (host) => nowMs - (this.#answeredMs.get(host) ?? Number.NEGATIVE_INFINITY) < this.#settings.deadMs,
    );
  }

  #recount(): void {
    const nowMs = this.#parts.timers.nowMs();
    const count = this.#settings.targets.filter((target) => this.#isUp(target, nowMs)).length;
    const isNew = this.#count === undefined && nowMs - this.#startedMs < this.#settings.deadMs;
    // As long as none had the time to answer, that none does says nothing.
    if (count === this.#count || (isNew && count === 0)) return;
    this.#count = count;
    this.#parts.onCount(count);
  }
}
