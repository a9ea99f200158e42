/**
 * What measures goes before what is measured (SCHED_FIFO by `chrt`, package util-linux): else a busy machine would show in
 * the instrument what it does not do to the directors, such as an address that was seen late.
 */
import { which } from "../system/which.js";

/** A program's command line. */
export type CommandLine = [program: string, args: readonly string[]];

/** How a program is started as an instrument; as any other one where chrt is missing. */
export function instrument(program: string, args: readonly string[]): CommandLine {
  return which("chrt") === undefined ? [program, args] : ["chrt", ["--fifo", "1", program, ...args]];
}
