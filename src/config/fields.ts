/**
 * The building blocks of the schema. Each value of a file is read by one function of ours, so that every message says
 * what was found and what is accepted; zod holds them together and JSON Schema is made of what stands beside them.
 */
import { z } from "zod";
import { UvsError } from "../core/errors.js";
import { DURATION_PATTERN, parseDuration } from "./duration.js";
import { suggestion } from "./nearest.js";
import { refusal, refuse, show } from "./refuse.js";

/** What JSON Schema says about a value. */
type JsonSchemaPart = Readonly<Record<string, unknown>>;

/**
 * A value that `parse` reads. What it refuses becomes an issue at the value's place; the value is undefined then, which
 * checks of the whole have to bear.
 * @param parse throws UvsError
 */
export function field<T>(parse: (input: unknown) => T, json: JsonSchemaPart) {
  return z
    .unknown()
    .transform((input, context): T => {
      try {
        return parse(input);
      } catch (error) {
        context.addIssue({ code: "custom", message: UvsError.from(error).message });
        return undefined as T;
      }
    })
    .meta(json);
}

/**
 * A mapping of these keys and no others. An issue of unknown keys has one line of message for each.
 * @param alternative what else is accepted, for the message
 */
export function section<S extends z.ZodRawShape>(shape: S, alternative = "") {
  const names = Object.keys(shape);
  const accepted = names.join(", ");
  const explainKey = (key: string): string =>
    `unknown key${suggestion(key, names)}, accepted are ${accepted}`;
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map(explainKey).join("\n")
        : refusal(issue.input, `${alternative}a mapping of ${accepted}`),
  });
}

/** A list; a key with nothing behind it is an empty one. */
export function list<T extends z.ZodType>(item: T, of: string) {
  return z
    .array(item, { error: (issue) => refusal(issue.input, `a list of ${of}`) })
    .nullable()
    .prefault([]);
}

/** A whole number from min to max. */
export function integer(min: number, max: number) {
  return field((input) => parseInteger(input, min, max, ""), { type: "integer", minimum: min, maximum: max });
}

/** A whole number from min to max, or `auto`. */
export function integerOrAuto(min: number, max: number) {
  return field((input) => (input === "auto" ? input : parseInteger(input, min, max, "auto or ")), {
    anyOf: [{ const: "auto" }, { type: "integer", minimum: min, maximum: max }],
  });
}

/** true or false. */
export function flag() {
  return field(
    (input) => (typeof input === "boolean" ? input : refuse(input, "true or false", booleanHint(input))),
    { type: "boolean" },
  );
}

/** One of these words. */
export function choice<T extends string>(values: readonly T[]) {
  return field(
    (input): T => {
      if (values.includes(input as T)) return input as T;
      const hint = typeof input === "string" ? suggestion(input, values) : "";
      const found = input === undefined ? "missing" : `found ${show(input)}`;
      throw new UvsError("INVALID", `${found}${hint}, accepted is one of ${values.join(", ")}`);
    },
    { type: "string", enum: [...values] },
  );
}

/** A duration between two others, in milliseconds. @param stepMs it must be a multiple of */
export function duration(min: string, max: string, stepMs = 1) {
  const [minMs, maxMs] = [parseDuration(min), parseDuration(max)];
  const accepted = `a duration from ${min} to ${max}${stepMs === 1000 ? " in whole seconds" : ""}`;
  return field(
    (input) => {
      const ms = parseDuration(input);
      return ms >= minMs && ms <= maxMs && ms % stepMs === 0 ? ms : refuse(input, accepted);
    },
    { type: ["string", "number"], pattern: DURATION_PATTERN, minimum: 0 },
  );
}

/** Text that is not empty, of at most so many bytes. @param accepted for the message */
export function text(maxBytes: number, accepted: string) {
  return field(
    (input) => {
      if (typeof input !== "string" || input === "") return refuse(input, accepted);
      if (input.includes("\0")) return refuse(input, accepted, "it contains a NUL character");
      const bytes = Buffer.byteLength(input);
      return bytes <= maxBytes
        ? input
        : refuse(input, accepted, `${bytes} bytes, at most ${maxBytes} are possible`);
    },
    { type: "string", minLength: 1, maxLength: maxBytes },
  );
}

/** YAML 1.1 had more words for it. */
function booleanHint(input: unknown): string | undefined {
  return typeof input === "string" && /^(yes|no|on|off|true|false)$/i.test(input)
    ? "a text: only true and false without quotes are truth values"
    : undefined;
}

function parseInteger(input: unknown, min: number, max: number, alternative: string): number {
  if (typeof input === "number" && Number.isInteger(input) && input >= min && input <= max) return input;
  return refuse(
    input,
    `${alternative}a whole number from ${min} to ${max}`,
    typeof input === "string" && /^-?\d+$/.test(input) ? "a number must stand without quotes" : undefined,
  );
}
