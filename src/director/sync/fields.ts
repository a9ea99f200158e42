/** Reads fields of messages that peers send. All throw UvsError INVALID, naming the field. */
import { UvsError } from "../../core/errors.js";

export function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw refusal(name, "is no object");
}

export function listOf(name: string, value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw refusal(name, `is no list of at most ${most}`);
}

export function booleanOf(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw refusal(name, "is neither true nor false");
}

export function textOf(name: string, value: unknown, most: number): string {
  if (typeof value === "string" && value.length <= most) return value;
  throw refusal(name, `is no text of at most ${most} characters`);
}

/** A whole number. */
export function numberOf(name: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw refusal(
    name,
    `is ${String(value).slice(0, 40)}, accepted are whole numbers from ${least} to ${most}`,
  );
}

export function refusal(name: string, what: string): UvsError {
  return new UvsError("INVALID", `a peer's message: ${name} ${what}`);
}
