/** Keeps a guardian process watching, and tells it what it would have to do. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { HaGuardianStatus } from "../../core/ha-status.js";
import type { Logger } from "../../core/logger.js";
import { type Duty, encodeDuty } from "./duty.js";

const ENTRY = fileURLToPath(new URL("./guardian-process.js", import.meta.url));
/** A guardian that lived shorter is replaced only after a pause. */
const SHORT_LIFE_MS = 2000;
const PAUSE_MS = 1000;
/** Between two signs of life at least: who advertises every 10 ms does not wake another process for each. */
const SIGN_MS = 20;
/** One that was stopped by somebody does not end by itself. */
const LAST_MS = 1000;

/** See the file's head. */
export class Guardian {
  readonly #logger: Logger;
  #process: ChildProcess | undefined;
  #duty: Duty;
  #restarts = 0;
  #signedMs = Number.NEGATIVE_INFINITY;
  #isEnding = false;
  #pause: NodeJS.Timeout | undefined;

  /** Starts the process. */
  constructor(duty: Duty, logger: Logger) {
    this.#duty = duty;
    this.#logger = logger;
    this.#start();
  }

  /** Tells it what it would have to do from now on. */
  update(duty: Duty): void {
    this.#duty = duty;
    this.#send();
  }

  /** Tells it that the director lives. */
  alive(): void {
    const nowMs = performance.now();
    if (nowMs - this.#signedMs < SIGN_MS) return;
    this.#signedMs = nowMs;
    const stdin = this.#process?.stdin;
    if (stdin?.writable && !stdin.writableNeedDrain) stdin.write("\n");
  }

  status(): HaGuardianStatus {
    return { pid: this.#process?.pid ?? 0, restarts: this.#restarts };
  }

  /** Lets it act now, as if the director were dead. */
  release(): void {
    this.#isEnding = true;
    this.#process?.stdin?.destroy();
  }

  /** Ends it, and settles when it has; whatever was held has to be given up before. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#pause);
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.stdin?.end(encodeDuty({ ...this.#duty, held: [], farewells: [] }));
    const kill = setTimeout(() => child.kill("SIGKILL"), LAST_MS);
    await ended;
    clearTimeout(kill);
  }

  #start(): void {
    const startedMs = performance.now();
    const child: ChildProcess = spawn(process.execPath, [ENTRY], { stdio: ["pipe", "ignore", "inherit"] });
    this.#process = child;
    child.on("error", (error) => {
      this.#logger.warn({}, `guardian: ${error.message}`);
      // It was never there: no exit follows.
      if (child.pid === undefined) this.#ended(startedMs, "not started");
    });
    // There is none where descriptors have run out. EPIPE: it has died, and its exit says so.
    child.stdin?.on("error", () => {});
    // Who reads slowly gets the last one.
    child.stdin?.on("drain", () => this.#send());
    child.once("exit", (code, signal) => this.#ended(startedMs, signal ?? `exit status ${code}`));
    this.#send();
  }

  #ended(startedMs: number, how: string): void {
    if (this.#isEnding) return;
    this.#process = undefined;
    this.#restarts++;
    this.#logger.error({ how }, `the guardian has died (${how}); another one is started`);
    const isShort = performance.now() - startedMs < SHORT_LIFE_MS;
    this.#pause = setTimeout(() => this.#start(), isShort ? PAUSE_MS : 0);
  }

  #send(): void {
    const stdin = this.#process?.stdin;
    if (stdin?.writable && !stdin.writableNeedDrain) stdin.write(encodeDuty(this.#duty));
  }
}
