/** The micro benchmarks' part of the report. */
import { textTable } from "../report/table.js";
import type { Micro, MicroResult } from "./micro.js";

/** A table for a terminal. */
export function renderMicro({ title }: Micro, results: readonly MicroResult[]): string {
  const us = (value: number): string => value.toFixed(2);
  const verdict = (what: string, value: number, target: number): string =>
    `${what} below ${us(target)}: ${value < target ? "reached" : "missed"}`;
  const rows = results.map(({ what, p50Us, p99Us, maxUs, targetUs, p50TargetUs }) => [
    what,
    us(p50Us),
    us(p99Us),
    us(maxUs),
    targetUs !== undefined
      ? verdict("p99", p99Us, targetUs)
      : p50TargetUs !== undefined
        ? verdict("p50", p50Us, p50TargetUs)
        : "",
  ]);
  return `${title}\n${"-".repeat(title.length)}\n${textTable({ heading: ["us", "p50", "p99", "max", "target"], rows })}\n`;
}
