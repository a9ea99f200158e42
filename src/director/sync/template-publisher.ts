/**
 * Tells one peer of this director's templates: everything where the peer knows nothing, then what changes. Nothing is
 * queued for the peer. A batch is read when the peer has taken the one before the last; what happens meanwhile is in the
 * next one, each template once. A peer that is slower than the changes for long is sent everything again.
 */
import {
  NOTHING_READ,
  type TemplateBatch,
  type TemplatePosition,
  UPSERT_FIELDS,
} from "../../balancer/template-stream.js";
import type { TemplateReplica } from "../../forwarder/template-replica.js";
import type { SyncMessage } from "../../ha/sync/seal.js";
import { ownPart, pieces } from "./template-batch.js";

/** Messages that the peer has not answered yet. */
const WINDOW = 2;

/** What is told of one peer. */
export interface PublisherStatus {
  /** Templates sent, each as often as it was. */
  readonly sent: number;
  /** How often everything was sent. */
  readonly full: number;
  /** Whether the peer has answered all that was sent. */
  readonly isCurrent: boolean;
  /** Messages that it has not answered. */
  readonly unconfirmed: number;
}

/** See the file's head. One a connection. */
export class TemplatePublisher {
  readonly #replica: TemplateReplica;
  readonly #send: (message: SyncMessage) => void;
  #position: TemplatePosition = NOTHING_READ;
  #pieces: TemplateBatch[] = [];
  #reminder: Iterator<TemplateBatch> | undefined;
  #isAsked = false;
  /** A transfer of everything goes on. */
  #isWhole = false;
  #unanswered = 0;
  #sent = 0;
  #full = 0;

  constructor(replica: TemplateReplica, send: (message: SyncMessage) => void) {
    this.#replica = replica;
    this.#send = send;
  }

  /** The peer wants to know what has changed since. */
  want(position: TemplatePosition): void {
    this.#isAsked = true;
    this.#position = position;
    this.#pieces = [];
    this.#isWhole = false;
    this.pump();
  }

  /** The peer has taken a message in. */
  got(): void {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    this.pump();
  }

  /** Sends what there is, as far as the peer keeps up. */
  pump(): void {
    while (this.#isAsked && this.#unanswered < WINDOW) {
      const message = this.#next();
      if (message === undefined) return;
      this.#unanswered++;
      this.#sent += message.batch.upserts.length / UPSERT_FIELDS;
      this.#send(message);
    }
  }

  /**
   * Begins to say again what open connections hold. The peer keeps such templates for a minute only, because nobody would
   * tell it of their end if this director died.
   */
  remind(): void {
    this.#reminder ??= this.#replica.held()[Symbol.iterator]();
    this.pump();
  }

  status(): PublisherStatus {
    const unconfirmed = this.#unanswered;
    return { sent: this.#sent, full: this.#full, isCurrent: this.#isAsked && unconfirmed === 0, unconfirmed };
  }

  #next(): { kind: string; batch: TemplateBatch } | undefined {
    const changes = this.#pieces.shift() ?? this.#read();
    if (changes !== undefined) return { kind: "templates", batch: changes };
    const held = this.#reminder?.next();
    if (held?.done === false) return { kind: "held", batch: held.value };
    this.#reminder = undefined;
    return undefined;
  }

  /** The next piece of what has changed; undefined where nothing has that the peer must be told. */
  #read(): TemplateBatch | undefined {
    for (;;) {
      const from = this.#position;
      const batch = this.#replica.read(from);
      this.#position = batch.position;
      if (batch.isWhole) this.#full++;
      const isWhole = batch.isWhole || this.#isWhole;
      this.#isWhole = isWhole && batch.hasMore;
      const told = isWhole ? batch : ownPart(batch);
      if (isWhole || told.upserts.length > 0 || told.removals.length > 0) {
        this.#pieces = pieces(told, from);
        return this.#pieces.shift();
      }
      if (!batch.hasMore) return undefined;
    }
  }
}
