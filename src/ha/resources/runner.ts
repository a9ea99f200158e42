/**
 * Brings a list of resources into the wanted state, one step at a time: started from left to right, stopped from right to
 * left. The wish may change at any moment: a start under way is ended, a stop under way is finished first. One that stops
 * running is started again, with those right of it; one that fails too often makes the group leave.
 */
import type { Logger } from "../../core/logger.js";
import type { CancelTimer, Timers } from "../timers.js";
import type { Resource } from "./resource.js";

/** What failures lead to. */
export interface RecoverySettings {
  /** Failures of one resource that are answered by a restart; one more, and the group leaves. @default 3 */
  readonly restarts?: number;
}

/** What a runner is made of. */
export interface RunnerParts {
  readonly timers: Timers;
  readonly logger: Logger;
  /** A resource cannot be kept running here. */
  readonly onFailure: (reason: string) => void;
}

/** States of a list of resources. */
export type RunnerState = "stopped" | "starting" | "started" | "stopping" | "failed";

const RESTARTS = 3;
/** Attempts to stop a resource. */
const STOP_ATTEMPTS = 3;

/** See the file's head. */
export class ResourceRunner {
  readonly #resources: readonly Resource[];
  readonly #restarts: number;
  readonly #parts: RunnerParts;
  readonly #failures: number[];
  readonly #due: boolean[];
  #isWanted = false;
  /** So many from the left were started, or may have been. */
  #started = 0;
  #isStarting = false;
  /** Resources from this one on are stopped before anything is started. */
  #restartFrom: number | undefined;
  /** Whether the failure was told, so that nothing is started until the group was given up. */
  #hasFailed = false;
  #isSurrendered = false;
  #attempt = new AbortController();
  #isWorking = false;
  #working: Promise<void> = Promise.resolve();
  #cancelMonitors: CancelTimer[] = [];

  constructor(resources: readonly Resource[], recovery: RecoverySettings, parts: RunnerParts) {
    this.#resources = resources;
    this.#restarts = recovery.restarts ?? RESTARTS;
    this.#parts = parts;
    this.#failures = resources.map(() => 0);
    this.#due = resources.map(() => false);
  }

  get state(): RunnerState {
    if (this.#hasFailed) return "failed";
    const areAllStarted = this.#started === this.#resources.length && !this.#isStarting;
    if (this.#isWanted) return areAllStarted ? "started" : "starting";
    return this.#started === 0 ? "stopped" : "stopping";
  }

  /** Wants them started. */
  start(): void {
    this.#isWanted = true;
    this.#hasFailed = false;
    this.#restartFrom = undefined;
    this.#failures.fill(0);
    this.#work();
  }

  /** Wants them stopped. Settles when they are, or were told not to be stoppable; never rejects. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#hasFailed = false;
    this.#attempt.abort();
    this.#stopMonitors();
    this.#work();
    await this.#working;
  }

  /** Leaves them running: somebody else goes on with them. A start under way is ended. */
  surrender(): void {
    this.#isSurrendered = true;
    this.#isWanted = false;
    this.#attempt.abort();
    this.#stopMonitors();
  }

  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#loop();
  }

  async #loop(): Promise<void> {
    for (;;) {
      if (this.#isSurrendered) return;
      if (this.#mustStopOne()) await this.#stopOne(this.#started - 1);
      else if (this.#isWanted && !this.#hasFailed && this.#started < this.#resources.length) {
        await this.#startOne(this.#started);
      } else {
        const due = this.#isWanted && !this.#hasFailed ? this.#due.indexOf(true) : -1;
        if (due < 0) {
          this.#isWorking = false;
          return;
        }
        await this.#monitorOne(due);
      }
    }
  }

  #mustStopOne(): boolean {
    if (this.#started === 0) return false;
    if (!this.#isWanted) return true;
    if (this.#restartFrom === undefined) return false;
    if (this.#started > this.#restartFrom) return true;
    this.#restartFrom = undefined;
    return false;
  }

  async #startOne(index: number): Promise<void> {
    const resource = this.#resources[index];
    this.#attempt = new AbortController();
    this.#started = index + 1;
    this.#isStarting = true;
    const failure = await resource.start(this.#attempt.signal);
    this.#isStarting = false;
    if (!this.#isWanted) return;
    if (failure === undefined) {
      this.#parts.logger.info({ resource: resource.name }, `${resource.name} is started`);
      if (this.#started === this.#resources.length) this.#startMonitors();
    } else {
      this.#failed(index, `did not start: ${failure}`);
    }
  }

  async #stopOne(index: number): Promise<void> {
    const resource = this.#resources[index];
    let failure = await resource.stop();
    for (let i = 1; i < STOP_ATTEMPTS && failure !== undefined; i++) failure = await resource.stop();
    this.#started = index;
    if (failure === undefined) {
      this.#parts.logger.info({ resource: resource.name }, `${resource.name} is stopped`);
    } else {
      this.#parts.logger.error(
        { resource: resource.name },
        `${resource.name} does not stop and may still run here: ${failure}`,
      );
    }
  }

  async #monitorOne(index: number): Promise<void> {
    this.#due[index] = false;
    const failure = await this.#resources[index].monitor();
    if (failure !== undefined && this.#isWanted) this.#failed(index, `does not run any more: ${failure}`);
  }

  /** Restarts it, or gives up. */
  #failed(index: number, how: string): void {
    const { name } = this.#resources[index];
    this.#failures[index]++;
    if (this.#failures[index] <= this.#restarts) {
      this.#parts.logger.warn(
        { resource: name },
        `${name} ${how}; restart ${this.#failures[index]} of ${this.#restarts}`,
      );
      this.#restartFrom = index;
      return;
    }
    this.#hasFailed = true;
    this.#stopMonitors();
    this.#parts.logger.error({ resource: name }, `${name} ${how}; the group leaves this director`);
    this.#parts.onFailure(`${name} ${how}`);
  }

  #startMonitors(): void {
    this.#stopMonitors();
    this.#resources.forEach(({ monitorMs }, index) => {
      if (monitorMs <= 0) return;
      const again = (): void => {
        this.#cancelMonitors[index] = this.#parts.timers.after(monitorMs, () => {
          again();
          this.#due[index] = true;
          this.#work();
        });
      };
      again();
    });
  }

  #stopMonitors(): void {
    for (const cancel of this.#cancelMonitors) cancel?.();
    this.#cancelMonitors = [];
    this.#due.fill(false);
  }
}
