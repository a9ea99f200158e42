/** Runs command lines of `uvs` in this process, with a director in memory behind the socket. */
import { runUvs } from "../../src/control/cli/run.js";
import type { Operations } from "../../src/control/operations.js";
import { InMemoryOperations } from "./in-memory-operations.js";

export interface Run {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  /** The sockets that were opened. */
  readonly sockets: readonly string[];
}

/**
 * Runs one command line at 2026-01-01 00:01:00.
 * @param onSleep called in the place of waiting
 */
export async function uvs(
  args: readonly string[],
  operations: Operations = new InMemoryOperations(),
  environment: NodeJS.ProcessEnv = {},
  onSleep: (ms: number) => Promise<void> = () => Promise.reject(new Error("nobody waits here")),
): Promise<Run> {
  let out = "";
  let err = "";
  const sockets: string[] = [];
  const exit = await runUvs(args, {
    environment,
    version: "1.2.3",
    nowMs: () => Date.parse("2026-01-01T00:01:00Z"),
    sleep: onSleep,
    connect: (path) => {
      sockets.push(path);
      return operations;
    },
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
  });
  return { exit, out, err, sockets };
}
