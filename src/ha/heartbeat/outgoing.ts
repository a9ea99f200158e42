/** The messages that this director sends: numbered, dated, signed. */
import { loadavg } from "node:os";
import type { AuthKeys } from "./auth-keys.js";
import { type Encoding, encode } from "./codec.js";
import type { Message } from "./message.js";
import { type NodeReport, type Scope, statusFields } from "./report.js";

/** Who sends. */
export interface OutgoingSettings {
  readonly node: string;
  readonly generation: number;
  /** Number of configured nodes: hops that a message may take on a serial ring. */
  readonly nodes: number;
  readonly encoding: Encoding;
}

/** A number that no running director reaches. */
const LAST_SEQUENCE = 0x7fffffff;

/** See the file's head. */
export class Outgoing {
  readonly #settings: OutgoingSettings;
  readonly #keys: () => AuthKeys;
  readonly #nowSec: () => number;
  #sequence = 0;

  /** @param nowSec the wall clock in seconds */
  constructor(settings: OutgoingSettings, keys: () => AuthKeys, nowSec = () => Date.now() / 1000) {
    this.#settings = settings;
    this.#keys = keys;
    this.#nowSec = nowSec;
  }

  status(report: NodeReport): Uint8Array {
    return this.#message(statusFields(report), ++this.#sequence);
  }

  /** What an old heartbeat asks before it becomes active: which nodes there are. */
  nodeList(dest: string, nodes: readonly string[]): Uint8Array {
    const fields = new Map([
      ["t", "repnodes"],
      ["dest", dest],
      ["nodelist", `${nodes.join(" ")} `],
      ["delnodelist", ""],
    ]);
    return this.#message(fields, ++this.#sequence);
  }

  /** What is held here, in the words of an old heartbeat, which waits for them before it takes anything. */
  resource(holds: Scope | "none"): Uint8Array {
    const fields = new Map([
      ["t", "resource"],
      ["rsc_hold", holds],
      ["rtype", "full"],
      ["isstable", "1"],
    ]);
    return this.#message(fields, ++this.#sequence);
  }

  /** That a message of an old heartbeat has come; it stops to send where nobody says so. */
  acknowledgement(dest: string, sequence: number): Uint8Array {
    const fields = new Map([
      ["t", "NS_ackmsg"],
      ["dest", dest],
      ["ackseq", sequence.toString(16)],
    ]);
    return this.#message(fields, undefined);
  }

  /** Everything is released, and this director leaves. */
  farewell(): Uint8Array {
    return this.#message(new Map([["t", "shutdone"]]), ++this.#sequence);
  }

  /** The same, to be sent by somebody else after this director has died. */
  lastFarewell(): Uint8Array {
    return this.#message(new Map([["t", "shutdone"]]), LAST_SEQUENCE);
  }

  /** @param sequence undefined: of a type that is not counted */
  #message(fields: Map<string, string>, sequence: number | undefined): Uint8Array {
    const { node, generation, nodes, encoding } = this.#settings;
    const load = loadavg().map((value) => value.toFixed(2));
    const message: Message = new Map([
      ...fields,
      ["src", node],
      ...(sequence === undefined ? [] : ([["seq", sequence.toString(16)]] as const)),
      ["hg", generation.toString(16)],
      ["ts", Math.floor(this.#nowSec()).toString(16)],
      ["ld", load.join(" ")],
      ["ttl", String(nodes + 1)],
    ]);
    return encode(message, (covered) => this.#keys().sign(covered), encoding);
  }
}
