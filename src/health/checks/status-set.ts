/** Sets of HTTP status codes as people write them: `200`, `200-299,301`, `2xx`. */
import { invalidOption } from "../option.js";

/** Whether a status code is in the set. */
export type StatusSet = (status: number) => boolean;

/** Reads a set of status codes. @throws UvsError INVALID */
export function parseStatusSet(field: string, text: string): StatusSet {
  const ranges = text.split(",").map((part) => parseRange(part.trim()));
  if (ranges.includes(undefined)) {
    throw invalidOption(
      field,
      text,
      "status codes and ranges from 100 to 599, such as 200-299,301 or 2xx,401",
    );
  }
  const accepted = new Set<number>();
  for (const [from, to] of ranges as [number, number][]) {
    for (let status = from; status <= to; status++) accepted.add(status);
  }
  return (status) => accepted.has(status);
}

function parseRange(text: string): [number, number] | undefined {
  const [, first, wildcard, last] = /^([1-5])(?:xx|(\d\d)(?:-([1-5]\d\d))?)$/i.exec(text) ?? [];
  if (first === undefined) return undefined;
  if (wildcard === undefined) return [Number(`${first}00`), Number(`${first}99`)];
  const from = Number(first + wildcard);
  const to = last === undefined ? from : Number(last);
  return from <= to ? [from, to] : undefined;
}
