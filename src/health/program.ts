/**
 * Runs the programs of an operator: external checks, alerts, hooks. Never through a shell, each in a process group of its
 * own that is ended as a whole (TERM, KILL two seconds later), output bounded, and only so many at once. What goes wrong is
 * returned in words, never thrown.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { escaped } from "./excerpt.js";
import type { ProbeSignal } from "./probe-abort.js";
import type { CancelTimer, Timers } from "./timers.js";

/** A program to run. */
export interface ProgramCall {
  /** Path of the program; absolute. */
  readonly path: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Standard input. @default empty */
  readonly stdin?: string;
  readonly timeoutMs: number;
  /** Ends the program before its time-out. */
  readonly signal?: ProbeSignal;
  /** Bytes of output kept, standard output and error together. @default 4096 */
  readonly maxOutputBytes?: number;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined where it did not exit by itself. */
  readonly exitStatus?: number;
  readonly timedOut: boolean;
  /** In words: `exit status 1`, `killed by SIGSEGV`, `not executable`, `timed out after 5000 ms, killed`. */
  readonly reason: string;
  /** Standard output and then standard error, cut off together; unescaped. */
  readonly output: string;
  /** Whether it printed more than was kept. */
  readonly isCut: boolean;
}

/** Programs at once (reference: external programs). */
const MAX_RUNNING = 64;
/** Programs waiting for others to end; more are refused. */
const MAX_WAITING = 4096;
const MAX_OUTPUT_BYTES = 4096;
/** Between TERM and KILL. */
const KILL_AFTER_MS = 2000;
/** How long output may still come after the exit: descendants may hold the pipe open. */
const OUTPUT_AFTER_EXIT_MS = 200;
const WORLD_WRITABLE = 0o002;

/** Runs programs, so many at once; further ones wait their turn, and their time-out runs from then on. */
export class Programs {
  readonly #timers: Timers;
  readonly #maxRunning: number;
  /** Oldest first. */
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** @param maxRunning programs at once. @default 64 */
  constructor(timers: Timers, maxRunning = MAX_RUNNING) {
    this.#timers = timers;
    this.#maxRunning = maxRunning;
  }

  /** Programs that run or are being killed. */
  get running(): number {
    return this.#running;
  }

  /** Runs a program to its end. Never rejects. */
  async run(call: ProgramCall): Promise<ProgramEnd> {
    if (this.#running >= this.#maxRunning) {
      if (this.#waiting.size >= MAX_WAITING) {
        return notStarted(`not started: ${this.#running} programs run and ${MAX_WAITING} wait`);
      }
      if (!(await this.#turn(call.signal))) {
        return notStarted("not started: waited too long for other programs to end");
      }
    } else {
      this.#running++;
    }
    try {
      const refusal = await refusalOf(call.path);
      return refusal === undefined ? await execute(call, this.#timers) : notStarted(refusal);
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Waits for a place, which whoever ends hands over. @returns false where the signal came first */
  #turn(signal: ProbeSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (hasPlace: boolean): void => {
        this.#waiting.delete(takePlace);
        signal?.removeEventListener("abort", giveUp);
        resolve(hasPlace);
      };
      const takePlace = (): void => settle(true);
      const giveUp = (): void => settle(false);
      this.#waiting.add(takePlace);
      signal?.addEventListener("abort", giveUp);
      if (signal?.aborted) giveUp();
    });
  }
}

/** Why a program is not to be run, or undefined where nothing speaks against it. */
export async function refusalOf(path: string): Promise<string | undefined> {
  if (!path.startsWith("/")) return `${escaped(path)}: not an absolute path`;
  try {
    const status = await stat(path);
    if (!status.isFile()) return `${escaped(path)}: not a file`;
    if (process.getuid?.() === 0 && (status.mode & WORLD_WRITABLE) !== 0) {
      return `${escaped(path)}: refused, because everybody may write it and the director runs as root`;
    }
  } catch (error) {
    return `${escaped(path)}: ${spawnFailure(error)}`;
  }
  return undefined;
}

function execute(call: ProgramCall, timers: Timers): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const { path, args, env, signal, timeoutMs, maxOutputBytes = MAX_OUTPUT_BYTES } = call;
    let child: ChildProcess;
    try {
      child = spawn(path, [...args], { env: { ...env }, cwd: "/", detached: true, stdio: "pipe" });
    } catch (error) {
      resolve(notStarted(`${escaped(path)}: ${spawnFailure(error)}`));
      return;
    }
    const output = new Output(child, maxOutputBytes);
    let isStopped = false;
    let timedOut = false;
    let cancel: CancelTimer = () => {};
    const stop = (): void => {
      if (isStopped) return;
      isStopped = true;
      killGroup(child, "SIGTERM");
      cancel();
      cancel = timers.after(KILL_AFTER_MS, () => killGroup(child, "SIGKILL"));
    };
    cancel = timers.after(timeoutMs, () => {
      timedOut = true;
      stop();
    });
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const finish = (end: Pick<ProgramEnd, "exitStatus" | "reason">): void => {
      cancel();
      signal?.removeEventListener("abort", stop);
      // What it left behind goes with it, where it was stopped.
      if (isStopped) killGroup(child, "SIGKILL");
      resolve({ ...end, timedOut, output: output.text(), isCut: output.isCut });
    };
    child.once("error", (error) => {
      if (child.pid === undefined) finish({ reason: `${escaped(path)}: ${spawnFailure(error)}` });
    });
    child.once("exit", (status, killer) => {
      const reason = endReason(status, killer, isStopped, timedOut ? timeoutMs : undefined);
      output.finish(timers, () =>
        finish({ exitStatus: isStopped ? undefined : (status ?? undefined), reason }),
      );
    });
    child.stdin?.on("error", () => {}).end(call.stdin ?? "");
  });
}

function endReason(
  status: number | null,
  killer: NodeJS.Signals | null,
  isStopped: boolean,
  timeoutMs: number | undefined,
): string {
  if (timeoutMs !== undefined) return `timed out after ${timeoutMs} ms, killed`;
  if (isStopped) return "stopped, killed";
  return killer === null ? `exit status ${status}` : `killed by ${killer}`;
}

function spawnFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "no such program, or the interpreter in its first line is missing";
  if (code === "EACCES") return "not executable, or its folder not accessible";
  if (code === "ENOEXEC") return "neither a program nor a script with #! in its first line";
  if (code === "EAGAIN" || code === "ENOMEM") return `the system has no room for another process (${code})`;
  return escaped(message);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the group is gone, which is what was wanted.
  }
}

function notStarted(reason: string): ProgramEnd {
  return { timedOut: false, reason, output: "", isCut: false };
}

/** Standard output and error of a child in one, the first bytes kept and the rest thrown away. */
class Output {
  readonly #child: ChildProcess;
  readonly #limit: number;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #size = 0;
  isCut = false;

  constructor(child: ChildProcess, limit: number) {
    this.#child = child;
    this.#limit = limit;
    this.#keepAll(child.stdout, this.#stdout);
    this.#keepAll(child.stderr, this.#stderr);
  }

  /** Standard output first: the two come through two pipes, and which is read first is chance. */
  text(): string {
    return Buffer.concat([...this.#stdout, ...this.#stderr]).toString("utf8");
  }

  /** Calls back when both streams have ended, or soon after. */
  finish(timers: Timers, callback: () => void): void {
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      cancel();
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
      callback();
    };
    const cancel = timers.after(OUTPUT_AFTER_EXIT_MS, done);
    this.#child.once("close", done);
  }

  #keepAll(stream: Readable | null, chunks: Buffer[]): void {
    stream
      ?.on("error", () => {})
      .on("data", (chunk: Buffer) => {
        const room = this.#limit - this.#size;
        if (chunk.length > room) this.isCut = true;
        if (room <= 0) return;
        chunks.push(chunk.subarray(0, room));
        this.#size += Math.min(chunk.length, room);
      });
  }
}
