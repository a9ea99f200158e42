/** The micro benchmarks' part of the report. */
import { textTable } from "../report/table.js";
import type { Micro, MicroResult } from "./micro.js";

/** A table for a terminal. */
export function renderMicro({ title }: Micro, results: readonly MicroResult[]): string {
  const us = (value: number): string => value.toFixed(2);
  const rows = results.map(({ what, p50Us, p99Us, maxUs, targetUs }) => [
    what,
    us(p50Us),
    us(p99Us),
    us(maxUs),
    targetUs === undefined ? "" : `p99 below ${us(targetUs)}: ${p99Us < targetUs ? "reached" : "missed"}`,
  ]);
  return `${title}\n${"-".repeat(title.length)}\n${textTable({ heading: ["us", "p50", "p99", "max", "target"], rows })}\n`;
}
