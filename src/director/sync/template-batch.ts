/** Batches of templates on their way between directors: which part is told, in which pieces, and what is believed of it. */
import {
  REMOVAL_FIELDS,
  type TemplateBatch,
  type TemplatePosition,
  UPSERT_FIELDS,
  UpsertField,
  UpsertFlag,
} from "../../balancer/template-stream.js";
import { UvsError } from "../../core/errors.js";

/** Removals in one message: a batch may have more of them than a message may be long. */
const MAX_REMOVALS = 4096;
/** Templates in one message; the feed makes smaller batches. */
const MAX_UPSERTS = 4096;
const MAX_NAMES = 8192;
const MAX_NAME_LENGTH = 128;
/** Longer than the 31 days that a template may last. */
const MAX_SPAN_MS = 32 * 24 * 3600 * 1000;
const MAX_FLAGS = UpsertFlag.ASSURED + UpsertFlag.HELD + UpsertFlag.REMOTE;

/** The batch without the templates that peers tell of themselves. */
export function ownPart(batch: TemplateBatch): TemplateBatch {
  const upserts: number[] = [];
  for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) {
    if ((batch.upserts[at + UpsertField.flags] & UpsertFlag.REMOTE) !== 0) continue;
    upserts.push(...batch.upserts.slice(at, at + UPSERT_FIELDS));
  }
  return { ...batch, upserts };
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
    within("removal's service", batch.removals[at], 0, batch.virtuals.length - 1);
    checkClient(batch.removals, at + 1);
  }
  for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) checkUpsert(batch, at);
  return batch;
}

/** Reads a position that a peer has sent. @throws UvsError INVALID */
export function parsePosition(value: unknown): TemplatePosition {
  const { origin, sequence, removals } = objectOf("position", value);
  return {
    origin: within("origin", origin, -(2 ** 31), 2 ** 31 - 1),
    sequence: within("sequence", sequence, 0, Number.MAX_SAFE_INTEGER),
    removals: within("removals", removals, -1, Number.MAX_SAFE_INTEGER),
  };
}

function checkUpsert({ upserts, virtuals, servers }: TemplateBatch, at: number): void {
  within("service", upserts[at + UpsertField.virtual], 0, virtuals.length - 1);
  checkClient(upserts, at + UpsertField.client);
  within("realserver", upserts[at + UpsertField.server], 0, servers.length - 1);
  within("timeoutMs", upserts[at + UpsertField.timeoutMs], 1, MAX_SPAN_MS);
  within("expiresMs", upserts[at + UpsertField.expiresMs], -MAX_SPAN_MS, MAX_SPAN_MS);
  within("lingersMs", upserts[at + UpsertField.lingersMs], 0, MAX_SPAN_MS);
  within("flags", upserts[at + UpsertField.flags], 0, MAX_FLAGS);
}

function checkClient(numbers: readonly number[], at: number): void {
  for (let i = 0; i < 4; i++) within("client", numbers[at + i], -(2 ** 31), 2 ** 31 - 1);
}

function numbersOf(name: string, value: unknown, fields: number, most: number): readonly number[] {
  if (!Array.isArray(value) || value.length % fields !== 0 || value.length > most * fields) {
    throw refusal(name, "is no list of so many numbers");
  }
  return value;
}

function namesOf(name: string, value: unknown): readonly string[] {
  const isName = (found: unknown): found is string =>
    typeof found === "string" && found.length <= MAX_NAME_LENGTH;
  if (Array.isArray(value) && value.length <= MAX_NAMES && value.every(isName)) return value;
  throw refusal(name, "is no list of names");
}

function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw refusal(name, "is no object");
}

function booleanOf(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw refusal(name, "is neither true nor false");
}

function within(name: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw refusal(
    name,
    `is ${String(value).slice(0, 40)}, accepted are whole numbers from ${least} to ${most}`,
  );
}

function refusal(name: string, what: string): UvsError {
  return new UvsError("INVALID", `templates from a peer: ${name} ${what}`);
}
