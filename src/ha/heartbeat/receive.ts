/**
 * Whether a datagram is for this director, and what it says (reference: ha.md §8.5). A message counts once: several links
 * carry it, and an attacker may send it again. Generations grow with every start of a sender, sequence numbers with every
 * message; as each status message says all there is to say, one that comes after a later one is not needed any more.
 */
import type { AuthKeys } from "./auth-keys.js";
import { decode } from "./codec.js";
import type { DropReason } from "./drop-reasons.js";
import { hexField, type Message, textField } from "./message.js";
import { type NodeReport, readStatus, type Scope } from "./report.js";

/** What an accepted message says. */
export type Heard =
  | { readonly kind: "status"; readonly report: NodeReport; readonly isRestart: boolean }
  /** What an old heartbeat holds, which it says in a message of its own; undefined: it is about to change. */
  | { readonly kind: "resource"; readonly holds: Scope | "none" | undefined }
  /** It has released everything and leaves. */
  | { readonly kind: "shutdone" };

/** What came of a datagram. */
export type Outcome =
  | { readonly verdict: "accepted"; readonly node: string; readonly heard: Heard; readonly sequence: number }
  /** An old heartbeat asks which nodes there are, before it becomes active. */
  | { readonly verdict: "question"; readonly node: string }
  /** Our own message, come back on a broadcast link. */
  | { readonly verdict: "own echo" }
  /** @param node who sent it, where that was proven */
  | { readonly verdict: "dropped"; readonly reason: DropReason; readonly node?: string };

/** Who we are and whom we listen to. */
export interface ReceiverSettings {
  readonly node: string;
  readonly generation: number;
  readonly nodes: readonly string[];
}

interface Position {
  generation: number;
  sequence: number;
}

/** Types that heartbeat has and this director has no use for: they are no sign of anything wrong. */
const UNUSED_TYPES = /^(NS_\w+|starting|ask_resources|hb_takeover|ip-request(-resp)?|stonith|repnodes)$/;

/** Checks what arrives. */
export class Receiver {
  readonly #settings: ReceiverSettings;
  readonly #keys: () => AuthKeys;
  readonly #positions = new Map<string, Position>();

  /** @param keys the keys that are in force now */
  constructor(settings: ReceiverSettings, keys: () => AuthKeys) {
    this.#settings = settings;
    this.#keys = keys;
  }

  check(datagram: Uint8Array): Outcome {
    const decoded = decode(datagram);
    if (typeof decoded === "string") return dropped(decoded);
    const { message, covered, keyNumber, digest } = decoded;
    const unauthentic = this.#keys().verify(covered, keyNumber, digest);
    return unauthentic === undefined ? this.#checkSender(message) : dropped(unauthentic);
  }

  #checkSender(message: Message): Outcome {
    const type = textField(message, "t");
    const node = textField(message, "src");
    const generation = hexField(message, "hg");
    if (type === undefined || node === undefined || hexField(message, "ts") === undefined)
      return dropped("missing_field");
    if (node === this.#settings.node) {
      return generation === this.#settings.generation ? { verdict: "own echo" } : dropped("own_name");
    }
    if (!this.#settings.nodes.includes(node)) return dropped("unknown_node");
    if (type === "reqnodes") return { verdict: "question", node };
    if (UNUSED_TYPES.test(type)) return dropped("unknown_type", node);
    const sequence = hexField(message, "seq");
    if (generation === undefined || sequence === undefined) return dropped("missing_field", node);
    const heard = read(type, message);
    if (typeof heard === "string") return dropped(heard, node);
    const last = this.#positions.get(node);
    if (last !== undefined && generation < last.generation) return dropped("old_generation", node);
    const isRestart = last !== undefined && generation > last.generation;
    if (last !== undefined && !isRestart && sequence <= last.sequence) return dropped("duplicate", node);
    this.#positions.set(node, { generation, sequence });
    return {
      verdict: "accepted",
      node,
      sequence,
      heard: heard.kind === "status" ? { ...heard, isRestart } : heard,
    };
  }
}

function read(type: string, message: Message): Heard | DropReason {
  switch (type) {
    case "status": {
      const report = readStatus(message);
      return report === undefined ? "bad_status" : { kind: "status", report, isRestart: false };
    }
    case "resource": {
      const holds = textField(message, "rsc_hold");
      const known = (["all", "foreign", "local", "none"] as const).find((scope) => scope === holds);
      if (known === undefined) return "bad_status";
      return { kind: "resource", holds: textField(message, "isstable") === "0" ? undefined : known };
    }
    case "shutdone":
      return { kind: "shutdone" };
    default:
      return "unknown_type";
  }
}

function dropped(reason: DropReason, node?: string): Outcome {
  return { verdict: "dropped", reason, ...(node !== undefined && { node }) };
}
