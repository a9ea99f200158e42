/** Keeps a guardian process watching, and tells it what it would have to do. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { HaGuardianStatus } from "../../core/ha-status.js";
import type { Logger } from "../../core/logger.js";
import type { Duty } from "./duty.js";

const ENTRY = fileURLToPath(new URL("./guardian-process.js", import.meta.url));
/** A guardian that lived shorter is replaced only after a pause. */
const SHORT_LIFE_MS = 2000;
const PAUSE_MS = 1000;
/** One that was stopped by somebody does not end by itself. */
const LAST_MS = 1000;

/** See the file's head. */
export class Guardian {
  readonly #logger: Logger;
  #process: ChildProcess | undefined;
  #duty: Duty;
  #restarts = 0;
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

  status(): HaGuardianStatus {
    return { pid: this.#process?.pid ?? 0, restarts: this.#restarts };
  }

  /** Lets it act now, as if the director were dead. */
  release(): void {
    this.#isEnding = true;
    if (this.#process?.connected) this.#process.disconnect();
  }

  /** Ends it, and settles when it has; whatever was held has to be given up before. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#pause);
    this.update({ ...this.#duty, held: [], farewells: [] });
    const child = this.#process;
    if (!child?.connected) return;
    const ended = once(child, "exit");
    child.disconnect();
    const kill = setTimeout(() => child.kill("SIGKILL"), LAST_MS);
    await ended;
    clearTimeout(kill);
  }

  #start(): void {
    const startedMs = performance.now();
    const child = fork(ENTRY, [], {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#process = child;
    // Also of a message that was on its way when it died; its exit says the same.
    child.on("error", (error) => this.#logger.warn({}, `guardian: ${error.message}`));
    child.once("exit", (code, signal) => {
      if (this.#isEnding) return;
      this.#restarts++;
      this.#logger.error({ code, signal }, "the guardian has died; another one is started");
      const isShort = performance.now() - startedMs < SHORT_LIFE_MS;
      this.#pause = setTimeout(() => this.#start(), isShort ? PAUSE_MS : 0);
    });
    this.#send();
  }

  #send(): void {
    if (this.#process?.connected) this.#process.send(this.#duty);
  }
}
