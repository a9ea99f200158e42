/** Batches of templates on their way between directors: which part is told, in which pieces, and what is believed of it. */
import {
  REMOVAL_FIELDS,
  type TemplateBatch,
  type TemplatePosition,
  UPSERT_FIELDS,
  UpsertField,
  UpsertFlag,
} from "../../balancer/template-stream.js";
import { booleanOf, listOf, numberOf, objectOf, refusal, textOf } from "./fields.js";

/** Removals in one message: a batch may have more of them than a message may be long. */
const MAX_REMOVALS = 4096;
/** Templates in one message; the feed makes smaller batches. */
const MAX_UPSERTS = 4096;
const MAX_NAMES = 8192;
const MAX_NAME_LENGTH = 128;
/** Longer than the 31 days that a template may last. */
const MAX_SPAN_MS = 32 * 24 * 3600 * 1000;
const MAX_FLAGS = UpsertFlag.ASSURED + UpsertFlag.HELD + UpsertFlag.REMOTE;

/** The batch without what peers tell of themselves, and without what ends by its time there too. */
export function ownPart({ untold = [], ...batch }: TemplateBatch): TemplateBatch {
  const left = new Set(untold);
  const removals = batch.removals.filter((_, at) => !left.has(Math.floor(at / REMOVAL_FIELDS)));
  const upserts: number[] = [];
  for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) {
    if ((batch.upserts[at + UpsertField.flags] & UpsertFlag.REMOTE) !== 0) continue;
    upserts.push(...batch.upserts.slice(at, at + UPSERT_FIELDS));
  }
  return { ...batch, removals, upserts };
}

/** The batch in pieces that messages can carry; only the last one says where to go on. */
export function pieces(batch: TemplateBatch, from: TemplatePosition): TemplateBatch[] {
  const found: TemplateBatch[] = [];
  const step = MAX_REMOVALS * REMOVAL_FIELDS;
  let { removals } = batch;
  for (; removals.length > step; removals = removals.slice(step)) {
    const piece = { ...batch, position: from, hasMore: true, removals: removals.slice(0, step), upserts: [] };
    found.push(piece);
  }
  return [...found, { ...batch, removals }];
}

/** Reads a batch that a peer has sent. @throws UvsError INVALID, naming the field */
export function parseTemplateBatch(value: unknown): TemplateBatch {
  const { position, isWhole, hasMore, virtuals, servers, removals, upserts } = objectOf("batch", value);
  const batch = {
    position: parsePosition(position),
    isWhole: booleanOf("isWhole", isWhole),
    hasMore: booleanOf("hasMore", hasMore),
    virtuals: namesOf("virtuals", virtuals),
    servers: namesOf("servers", servers),
    removals: numbersOf("removals", removals, REMOVAL_FIELDS, MAX_REMOVALS),
    upserts: numbersOf("upserts", upserts, UPSERT_FIELDS, MAX_UPSERTS),
  };
  for (let at = 0; at < batch.removals.length; at += REMOVAL_FIELDS) {
    numberOf("removal's service", batch.removals[at], 0, batch.virtuals.length - 1);
    checkClient(batch.removals, at + 1);
  }
  for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) checkUpsert(batch, at);
  return batch;
}

/** Reads a position that a peer has sent. @throws UvsError INVALID */
export function parsePosition(value: unknown): TemplatePosition {
  const { origin, sequence, removals } = objectOf("position", value);
  return {
    origin: numberOf("origin", origin, -(2 ** 31), 2 ** 31 - 1),
    sequence: numberOf("sequence", sequence, 0, Number.MAX_SAFE_INTEGER),
    removals: numberOf("removals", removals, -1, Number.MAX_SAFE_INTEGER),
  };
}

function checkUpsert({ upserts, virtuals, servers }: TemplateBatch, at: number): void {
  numberOf("service", upserts[at + UpsertField.virtual], 0, virtuals.length - 1);
  checkClient(upserts, at + UpsertField.client);
  numberOf("realserver", upserts[at + UpsertField.server], 0, servers.length - 1);
  numberOf("timeoutMs", upserts[at + UpsertField.timeoutMs], 1, MAX_SPAN_MS);
  numberOf("expiresMs", upserts[at + UpsertField.expiresMs], -MAX_SPAN_MS, MAX_SPAN_MS);
  numberOf("lingersMs", upserts[at + UpsertField.lingersMs], 0, MAX_SPAN_MS);
  numberOf("flags", upserts[at + UpsertField.flags], 0, MAX_FLAGS);
}

function checkClient(numbers: readonly number[], at: number): void {
  for (let i = 0; i < 4; i++) numberOf("client", numbers[at + i], -(2 ** 31), 2 ** 31 - 1);
}

function numbersOf(name: string, value: unknown, fields: number, most: number): readonly number[] {
  if (!Array.isArray(value) || value.length % fields !== 0 || value.length > most * fields) {
    throw refusal(name, "is no list of so many numbers");
  }
  return value;
}

function namesOf(name: string, value: unknown): readonly string[] {
  return listOf(name, value, MAX_NAMES).map((found) => textOf(name, found, MAX_NAME_LENGTH));
}
