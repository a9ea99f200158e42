/**
 * The stream of template changes, from one table to another: to the primary's replica, to the journal, to a peer. It is
 *
 * * batched: one answer has many changes, each template once and as it is when it is read;
 * * idempotent: a batch that comes twice, or after a later one was seen, does no harm beyond being late;
 * * resumable: a reader keeps nothing but a position, and goes on from there whenever it likes. Where it cannot go on (it
 *   was away for too long, or the table is another one) it is sent everything, and what it has besides goes.
 *
 * Names stand for slots and times are spans, so it crosses processes and hosts.
 */

/** How far a reader has read; plain, to be handed back as it came. */
export interface TemplatePosition {
  /** The table that it is a position of. */
  readonly origin: number;
  /** Changes up to this one are known. */
  readonly sequence: number;
  /** Removals up to this one are known. */
  readonly removals: number;
}

/** The position of who knows nothing. */
export const NOTHING_READ: TemplatePosition = { origin: 0, sequence: 0, removals: -1 };

/** Some changes; plain, fit for JSON. */
export interface TemplateBatch {
  /** Where to go on. */
  readonly position: TemplatePosition;
  /** Everything is sent from here on: what is not sent again until `hasMore` is false is there no longer. */
  readonly isWhole: boolean;
  /** There is more to be read at once. */
  readonly hasMore: boolean;
  /** Keys of virtual services, and of realservers, that rows name by their index here. */
  readonly virtuals: readonly string[];
  readonly servers: readonly string[];
  /** Removed templates, REMOVAL_FIELDS numbers each; to be carried out before the upserts. */
  readonly removals: readonly number[];
  /** Which of the removals, from 0, peers need not be told of; absent: none. */
  readonly untold?: readonly number[];
  /** Templates that are new or changed, as `UpsertField` says, UPSERT_FIELDS numbers each. */
  readonly upserts: readonly number[];
}

/** Index of each number of a removal: virtual, then four words of client. */
export const REMOVAL_FIELDS = 5;

/** Index of each number of an upsert. */
export const UpsertField = {
  virtual: 0,
  /** Four words. */
  client: 1,
  server: 5,
  timeoutMs: 6,
  /** Until its timer fires, from when the batch was read; negative where that is over and nobody has looked. */
  expiresMs: 7,
  /** How long closed connections count as controlled yet; 0: none do. */
  lingersMs: 8,
  /** Sum of `UpsertFlag`. */
  flags: 9,
} as const;
export const UPSERT_FIELDS = 10;

export const UpsertFlag = {
  ASSURED: 1,
  /** Open connections put its end off for as long as they last. */
  HELD: 2,
  /** The table has it from a peer, which tells of it itself. */
  REMOTE: 4,
} as const;
