/**
 * Checks a request body against its schema and words what is wrong: where, what was found, what is accepted. Schemas
 * are built of the pieces here, because each piece knows the sentence for "accepted" that its issues carry as message.
 */
import { z } from "zod";
import { canonicalIp } from "../core/address.js";
import { UvsError } from "../core/errors.js";

/** A whole number from min to max. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const accepted = `a whole number from ${min} to ${max}`;
  return z.int(accepted).min(min, accepted).max(max, accepted);
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(words: T): z.ZodEnum<z.core.util.ToEnum<T[number]>> {
  return z.enum(words, `one of ${words.join(", ")}`);
}

/** An object with these keys and no others. */
export function keys<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const names = Object.keys(shape);
  return z.strictObject(
    shape,
    names.length === 0 ? "no body" : `an object with the keys ${names.join(", ")}`,
  );
}

/** An IPv4 or IPv6 address without brackets or zone; made canonical. */
export function ipAddress(): z.ZodString {
  const accepted = "an IPv4 or IPv6 address without brackets";
  return z
    .string(accepted)
    .refine((text) => canonicalIp(text) !== undefined, { error: accepted, abort: true })
    .overwrite((text) => canonicalIp(text) ?? text);
}

/**
 * The body as its schema makes it, defaults filled in.
 * @throws UvsError INVALID, naming all issues; details carry the first one
 */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  const problems = [...new Set(result.error.issues.map(describe))];
  throw new UvsError("INVALID", problems.join("; "), {
    details: { field: place(result.error.issues[0]), problems: problems.length },
  });
}

/**
 * The query as its schema makes it.
 * @param schema undefined where there must be none
 * @throws UvsError INVALID, as `parseBody`
 */
export function parseQuery(
  schema: z.ZodObject | undefined,
  query: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return parseBody(schema ?? z.strictObject({}, "no query"), query);
}

function describe(issue: z.core.$ZodIssue): string {
  const found =
    issue.code === "unrecognized_keys"
      ? `found the unknown key ${issue.keys.map(shown).join(", ")}`
      : `found ${shown(issue.input)}`;
  return `${place(issue)}: ${found}, accepted is ${issue.message}`;
}

/** Where an issue is, as one would write it in code: `realservers[0].weight`. */
function place(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return path.join("").replace(/^\./, "") || "body";
}

/** A value as it was written; lists and objects by their kind, for they may be of any size and depth. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
