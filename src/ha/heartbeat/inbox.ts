/** The datagrams that arrive on the links: checked, counted, told. What is refused changes a counter here and nothing anywhere. */
import type { Logger } from "../../core/logger.js";
import type { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import type { Counters } from "./counters.js";
import { DROP_REASONS } from "./drop-reasons.js";
import type { Heard, Receiver } from "./receive.js";
import type { Senders } from "./senders.js";

/** What it is made of. */
export interface InboxParts {
  readonly receiver: Receiver;
  readonly senders: Senders;
  readonly counters: Counters;
  readonly warnings: RateLimitedLog;
  readonly logger: Logger;
  /** Answers an old heartbeat: which nodes there are, or that a message has come. */
  readonly answer: (node: string, acknowledged?: number) => void;
  /** What our own configuration comes to. */
  readonly configuration: string;
}

/** One message in so many is acknowledged to an old heartbeat, as it does itself. */
const ACKNOWLEDGED = 10;

/** See the file's head. */
export class Inbox {
  readonly #parts: InboxParts;
  /** Nodes whose configuration is another one. */
  readonly #differing = new Set<string>();

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /**
   * Looks at a datagram.
   * @param link on which it came, @param source the address it came from
   * @returns what a node says; undefined where that is nothing to act upon
   */
  read(
    link: string,
    datagram: Uint8Array,
    source: string,
    nowMs: number,
  ): { readonly node: string; readonly heard: Heard } | undefined {
    const { receiver, senders, counters, warnings } = this.#parts;
    const outcome = receiver.check(datagram);
    if (outcome.verdict === "own echo") {
      counters.own_echo++;
      return undefined;
    }
    if (outcome.node !== undefined) senders.heard(link, outcome.node, nowMs);
    if (outcome.verdict === "accepted") {
      const { node, heard } = outcome;
      counters.received++;
      senders.accepted(node);
      if (heard.kind === "status") this.#compare(node, heard.report.configuration);
      const isOld = heard.kind === "status" && heard.report.configuration === "";
      if (isOld && outcome.sequence % ACKNOWLEDGED === 0) this.#parts.answer(node, outcome.sequence);
      return { node, heard };
    }
    if (outcome.verdict === "question") {
      this.#parts.answer(outcome.node);
      return undefined;
    }
    const { reason, node } = outcome;
    counters[reason]++;
    // Every link carries every message, and old heartbeats say more than is needed: nothing is wrong.
    if (reason === "duplicate" || (reason === "unknown_type" && node !== undefined)) return undefined;
    const sender = node ?? source;
    senders.rejected(sender, reason);
    warnings.warn(reason, () => ({
      fields: { reason },
      message: `heartbeat: dropped a message of ${sender} on ${link}: ${DROP_REASONS[reason]}`,
    }));
    return undefined;
  }

  #compare(node: string, configuration: string): void {
    const isSame = configuration === "" || configuration === this.#parts.configuration;
    if (isSame) this.#differing.delete(node);
    else if (!this.#differing.has(node)) {
      this.#differing.add(node);
      this.#parts.logger.error(
        { node },
        `heartbeat: node ${node} has another configuration: nodes, groups, scores and policies must be the same on all`,
      );
    }
  }
}
