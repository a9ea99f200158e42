/** Who was heard on which link, and whose datagrams are refused. Bounded: a stranger who invents senders costs no memory. */
import type { HaPeerStatus } from "../../core/ha-status.js";
import type { DropReason } from "./drop-reasons.js";

type Rejection = NonNullable<HaPeerStatus["rejected"]>;

const MAX_SENDERS = 32;

/** See the file's head. */
export class Senders {
  /** By link and node. */
  readonly #heardMs = new Map<string, number>();
  readonly #rejections = new Map<string, Rejection>();
  readonly #accepted = new Map<string, string>();

  /** A message of a node was proven, on this link. */
  heard(link: string, node: string, nowMs: number): void {
    this.#heardMs.set(`${link} ${node}`, nowMs);
  }

  /** A message of a node counts. */
  accepted(node: string): void {
    this.#rejections.delete(node);
    this.#accepted.set(node, new Date().toISOString());
  }

  /** @param sender a node, or an address where none was proven */
  rejected(sender: string, reason: DropReason): void {
    const before = this.#rejections.get(sender);
    const packets = before?.reason === reason ? before.packets + 1 : 1;
    this.#rejections.delete(sender);
    if (this.#rejections.size >= MAX_SENDERS) {
      const [oldest] = this.#rejections.keys();
      this.#rejections.delete(oldest);
    }
    this.#rejections.set(sender, { reason, packets, last: new Date().toISOString() });
  }

  /** Whether a node was heard on a link within `withinMs`. */
  isHeard(link: string, node: string, nowMs: number, withinMs: number): boolean {
    return nowMs - (this.#heardMs.get(`${link} ${node}`) ?? Number.NEGATIVE_INFINITY) < withinMs;
  }

  /** @param nodes the other nodes, which are listed also where nothing was heard of them */
  statuses(nodes: readonly string[]): HaPeerStatus[] {
    return [...new Set([...nodes, ...this.#rejections.keys()])].map((source) => {
      const lastHeard = this.#accepted.get(source);
      const rejected = this.#rejections.get(source);
      return {
        source,
        ...(lastHeard !== undefined && { lastHeard }),
        ...(rejected !== undefined && { rejected }),
      };
    });
  }
}
