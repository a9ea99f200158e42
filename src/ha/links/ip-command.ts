/**
 * The program `ip` (iproute2), kept running and waiting for commands on its standard input: an address is added within a
 * millisecond at a takeover, where starting a program takes several and may fail for want of memory. Commands are done in
 * order; each batch ends with one whose complaint marks the end.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { UvsError } from "../../core/errors.js";
import type { CancelTimer, Timers } from "../timers.js";

const TIMEOUT_MS = 5000;
/** Errors come in the same stream as output, in order. */
const COMMAND = "exec ip -force -batch - 2>&1";
/** No command of ip: the complaint about it marks the end. A listing would not do, as some change what later ones list. */
const END_COMMAND = "end-of-batch";
const END_LINE = /"end-of-batch" is unknown/;
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`;

interface Batch {
  readonly lines: string[];
  readonly resolve: (lines: string[]) => void;
  readonly reject: (error: UvsError) => void;
  readonly cancelTimeout: CancelTimer;
}

/** See the file's head. */
export class IpCommand {
  readonly #timers: Timers;
  readonly #timeoutMs: number;
  #child: ChildProcessWithoutNullStreams | undefined;
  #partial = "";
  /** Oldest first. */
  readonly #batches: Batch[] = [];

  constructor(timers: Timers, timeoutMs = TIMEOUT_MS) {
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
  }

  /** Starts the program, so that the first batch need not wait for that. */
  warm(): void {
    this.#child ??= this.#start();
  }

  /**
   * Runs commands, such as `addr add 10.0.0.1/24 dev eth0`, without `ip` before them.
   * @returns the lines printed, errors among them in ip's words; a command that fails does not stop the others
   * @throws UvsError UNSUPPORTED where ip is missing or too simple; UNAVAILABLE where it does not answer
   */
  run(commands: readonly string[]): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.warm();
      const cancelTimeout = this.#timers.after(this.#timeoutMs, () => this.#kill());
      this.#batches.push({ lines: [], resolve, reject, cancelTimeout });
      this.#child?.stdin.write(`${[...commands, END_COMMAND].join("\n")}\n`);
    });
  }

  /** Ends the program. */
  close(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.stdin.end();
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn("/bin/sh", ["-c", COMMAND], { env: { PATH, LC_ALL: "C" }, stdio: "pipe" });
    this.#partial = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (child === this.#child) this.#output(text);
    });
    // EPIPE: it has ended, and its exit says so.
    child.stdin.on("error", () => {});
    child.once("error", (error) => this.#ended(child, error.message));
    child.once("close", (code, signal) => this.#ended(child, signal ?? `exit status ${code}`));
    return child;
  }

  #output(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) {
      const [batch] = this.#batches;
      if (batch === undefined) continue;
      if (!END_LINE.test(line)) {
        if (line !== "") batch.lines.push(line);
        continue;
      }
      this.#batches.shift();
      batch.cancelTimeout();
      batch.resolve(batch.lines);
    }
  }

  #kill(): void {
    const child = this.#child;
    if (child === undefined) return;
    child.kill("SIGKILL");
    this.#ended(child, `no answer within ${this.#timeoutMs} ms`);
  }

  #ended(child: ChildProcessWithoutNullStreams, how: string): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    for (const batch of this.#batches.splice(0)) {
      batch.cancelTimeout();
      batch.reject(failure(how, batch.lines));
    }
  }
}

function failure(how: string, lines: readonly string[]): UvsError {
  const said = lines.length > 0 ? `: ${lines.join("; ")}` : "";
  const details = { program: "ip", end: how };
  if (how === "exit status 127" || lines.some((line) => /unrecognized option|invalid option/.test(line))) {
    return new UvsError("UNSUPPORTED", `the program ip of the package iproute2 is needed (${how}${said})`, {
      side: "system",
      details,
    });
  }
  return new UvsError("UNAVAILABLE", `the program ip has ended (${how}${said})`, {
    side: "system",
    retryable: true,
    details,
  });
}
