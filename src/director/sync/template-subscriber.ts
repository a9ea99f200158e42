/**
 * Takes in what one peer tells of its templates: into the replica, and into the forwarder that serves, if there is one (the
 * next one begins with the replica). The peer is answered when both is done, and sends no more until then. Where a
 * connection was lost the next one goes on.
 */
import {
  NOTHING_READ,
  type TemplateBatch,
  type TemplatePosition,
  UPSERT_FIELDS,
} from "../../balancer/template-stream.js";
import { UvsError } from "../../core/errors.js";
import type { SyncMessage } from "../../ha/sync/seal.js";
import { parseTemplateBatch } from "./template-batch.js";

/** Messages that a peer may send before they are answered; it keeps to fewer. */
const MAX_PENDING = 8;

/** See the file's head. One a peer, for all its connections. */
export class TemplateSubscriber {
  readonly #merge: (batch: TemplateBatch) => Promise<void>;
  #position: TemplatePosition = NOTHING_READ;
  /** A transfer of everything has begun and not ended: it cannot be gone on with. */
  #isWhole = false;
  #pending = 0;
  #received = 0;
  #last: Promise<void> = Promise.resolve();
  #isCurrent = false;
  /** Grows with each connection, so that what an earlier one has brought is not answered. */
  #connection = 0;

  /** @param merge resolves when the templates are taken in; never rejects */
  constructor(merge: (batch: TemplateBatch) => Promise<void>) {
    this.#merge = merge;
  }

  /** Whether it has known everything once. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Templates received, each as often as it was. */
  get received(): number {
    return this.#received;
  }

  /** A connection has been made. @returns what to ask the peer for */
  open(): SyncMessage {
    this.#connection++;
    this.#pending = 0;
    if (this.#isWhole) this.#position = NOTHING_READ;
    this.#isWhole = false;
    return { kind: "want", position: this.#position };
  }

  /** Everything is wanted over the connection that there is. @returns what to ask the peer for */
  again(): SyncMessage {
    this.#position = NOTHING_READ;
    return { kind: "want", position: NOTHING_READ };
  }

  /**
   * Takes a message of kind `templates` or `held`.
   * @param answer is called when it was taken in, while the connection is the same
   * @throws UvsError INVALID where it makes no sense
   */
  take({ kind, batch: found }: SyncMessage, answer: () => void): void {
    const batch = parseTemplateBatch(found);
    if (this.#pending >= MAX_PENDING) {
      throw new UvsError(
        "INVALID",
        `templates from a peer: more than ${MAX_PENDING} messages without an answer`,
      );
    }
    this.#pending++;
    const connection = this.#connection;
    this.#last = this.#last.then(async () => {
      await this.#merge(batch);
      if (connection !== this.#connection) return;
      this.#pending--;
      this.#received += batch.upserts.length / UPSERT_FIELDS;
      if (kind === "templates") this.#goOn(batch);
      answer();
    });
  }

  #goOn({ position, isWhole, hasMore }: TemplateBatch): void {
    this.#position = position;
    this.#isWhole = (this.#isWhole || isWhole) && hasMore;
    this.#isCurrent ||= !hasMore;
  }
}
