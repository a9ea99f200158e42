/**
 * The processes that the bench has started, and nothing else: each is pinned to a core, writes its output to a file, and
 * is stopped by its process id, with all its descendants.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { processTree, readProcess } from "../measure/proc.js";
import { which } from "./which.js";

const STOP_MS = 5000;

/** Where a process runs: the balancer under test has a core to itself. */
export type Place = "load" | "balancer";

const CORES: Readonly<Record<Place, number>> = { load: 0, balancer: 1 };

/** A process that the bench has started. */
export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Where it writes to. */
  readonly file: string;
  /** The end of what it has written as one line, for messages. */
  output(): string;
  /** Ends it and its descendants: SIGTERM, SIGKILL after five seconds. */
  stop(): Promise<void>;
}

/** Starts, pins and stops processes. */
export class Processes {
  readonly #directory: string;
  readonly #running = new Set<Running>();
  #started = 0;
  #closed = false;
  /** False where the machine has one core or no `taskset`: balancer and load then share cores. */
  readonly pinned: boolean;

  /** @param directory where the output of each process goes */
  constructor(directory: string) {
    this.#directory = directory;
    this.pinned = availableParallelism() > 1 && which("taskset") !== undefined;
    if (this.pinned) spawnSync("taskset", ["-a", "-c", "-p", String(CORES.load), String(process.pid)]);
  }

  /**
   * Starts a command. Its standard output and error go to a file.
   * @param ipc opens Node's message channel to the child
   */
  start(place: Place, command: readonly string[], ipc = false): Running {
    if (this.#closed) throw new Error(`${command[0]} is not started: the bench is being stopped`);
    const [program, ...args] = this.pinned
      ? ["taskset", "-c", String(CORES[place]), ...command]
      : [...command];
    const file = join(this.#directory, `output-${this.#started++}.txt`);
    const out = openSync(file, "w", 0o600);
    const child = spawn(program, args, { stdio: ipc ? ["ignore", out, out, "ipc"] : ["ignore", out, out] });
    closeSync(out);
    child.on("error", () => {}); // a program that cannot be started has no pid, told below
    if (child.pid === undefined) throw new Error(`${program} cannot be started`);
    const running: Running = {
      pid: child.pid,
      child,
      file,
      output: () => lastLines(readFileSync(file, "utf8")),
      stop: async () => {
        await stopTree(child);
        this.#running.delete(running);
      },
    };
    this.#running.add(running);
    return running;
  }

  /** Whether everything was stopped. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Ends everything that still runs, and starts nothing from now on. */
  async stopAll(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running].map((running) => running.stop()));
  }
}

/** Whether the child has ended. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function lastLines(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).slice(-8).join("; ");
}

async function stopTree(child: ChildProcess): Promise<void> {
  const tree = processTree(child.pid as number);
  if (!hasEnded(child)) {
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(killer);
  }
  for (const { pid, startTime } of tree) {
    if (readProcess(pid)?.startTime === startTime) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended in between
  }
}
