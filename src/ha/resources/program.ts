/**
 * Runs a program of the operator: a resource's script, a tracked script, a hook. Never through a shell, in a process group of
 * its own that is ended as a whole (TERM, KILL two seconds later), output bounded. What goes wrong is returned in words.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { CancelTimer, Timers } from "../timers.js";

/** A program with its arguments. */
export interface Command {
  /** Absolute path. */
  readonly path: string;
  readonly args: readonly string[];
}

/** How it is to be run. */
export interface RunOptions {
  /** Besides PATH and LC_ALL. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends the program before its time-out. */
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined where it did not exit by itself. */
  readonly status?: number;
  /** In words: `exit status 1`, `killed by SIGSEGV`, `no such program`, `timed out after 5000 ms`; with its last output. */
  readonly reason: string;
}

const KILL_AFTER_MS = 2000;
/** How long output may still come after the exit: a service that a script has started holds the pipes while it lives. */
const OUTPUT_AFTER_EXIT_MS = 100;
const MAX_OUTPUT_BYTES = 4096;
const OUTPUT_IN_REASON = 200;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Runs a program to its end. Never rejects. */
export function runProgram(command: Command, options: RunOptions, timers: Timers): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const { timeoutMs, signal, env = {} } = options;
    let child: ChildProcess;
    try {
      child = spawn(command.path, [...command.args], {
        cwd: "/",
        env: { PATH, LC_ALL: "C", ...env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      resolve({ reason: startFailure(error) });
      return;
    }
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT_BYTES);
      });
    }
    let ending: string | undefined;
    let cancel: CancelTimer = () => {};
    const end = (why: string): void => {
      if (ending !== undefined) return;
      ending = why;
      cancel();
      killGroup(child, "SIGTERM");
      cancel = timers.after(KILL_AFTER_MS, () => killGroup(child, "SIGKILL"));
    };
    const abort = (): void => end("stopped");
    cancel = timers.after(timeoutMs, () => end(`timed out after ${timeoutMs} ms`));
    signal?.addEventListener("abort", abort);
    const finish = (result: ProgramEnd): void => {
      cancel();
      signal?.removeEventListener("abort", abort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(result);
    };
    child.once("error", (error) => {
      if (child.pid === undefined) finish({ reason: startFailure(error) });
    });
    child.once("exit", (status, killer) => {
      cancel();
      if (ending !== undefined) {
        killGroup(child, "SIGKILL");
        finish({ reason: ending });
        return;
      }
      const how = killer === null ? `exit status ${status}` : `killed by ${killer}`;
      const told = (): void =>
        finish({ ...(status !== null && { status }), reason: withOutput(how, output) });
      child.once("close", told);
      cancel = timers.after(OUTPUT_AFTER_EXIT_MS, told);
    });
    if (signal?.aborted) abort();
  });
}

function withOutput(how: string, output: string): string {
  const said = output
    .trim()
    .split(/\s*\n\s*/)
    .join("; ")
    .slice(-OUTPUT_IN_REASON);
  return said === "" ? how : `${how}: ${said}`;
}

function startFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "no such program, or the interpreter in its first line is missing";
  if (code === "EACCES") return "not executable, or its folder not accessible";
  return message;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the group is gone, which is what was wanted.
  }
}
