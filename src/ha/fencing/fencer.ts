/**
 * Fences directors that were lost uncleanly: runs the operator's command for one until it succeeds (reference: ha.md §10.4).
 * Nothing that such a director may hold is taken before; so every failure is said loudly.
 */
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "../../core/logger.js";
import { type Command, runProgram } from "../resources/program.js";
import type { Timers } from "../timers.js";

/** How a director is fenced. */
export interface FenceSettings {
  /** Run with the action and the node's name behind its arguments; exit status 0: the node is off, or was reset. */
  readonly command: Command;
  /** @default "reset" */
  readonly action?: "off" | "reset";
  /** @default 60 s */
  readonly timeoutMs?: number;
  /** From a failure to the next attempt. @default 5 s */
  readonly retryMs?: number;
  /** Before the first attempt: of two directors that fence each other, the one without delay survives. @default 0 */
  readonly delayMs?: number;
}

/** What came of an attempt. */
export interface FenceResult {
  readonly node: string;
  readonly isDone: boolean;
  /** How the command ended, in words. */
  readonly reason: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
}

/** What a fencer is made of. */
export interface FencerParts {
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told of every attempt. */
  readonly onResult: (result: FenceResult) => void;
}

const TIMEOUT_MS = 60_000;
const RETRY_MS = 5000;

/** See the file's head. */
export class Fencer {
  #settings: Readonly<Record<string, FenceSettings>>;
  readonly #parts: FencerParts;
  readonly #running = new Map<string, AbortController>();

  /** @param settings by name of the node */
  constructor(settings: Readonly<Record<string, FenceSettings>>, parts: FencerParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Goes on with other settings; a node that they fence in another way, or not at all, is spared. */
  change(settings: Readonly<Record<string, FenceSettings>>): void {
    const before = this.#settings;
    this.#settings = settings;
    for (const node of [...this.#running.keys()]) {
      if (!isDeepStrictEqual(before[node], settings[node])) this.spare(node);
    }
  }

  /** Fences a node, again and again until it is done or spared. */
  fence(node: string): void {
    const settings = this.#settings[node];
    if (settings === undefined || this.#running.has(node)) return;
    const attempt = new AbortController();
    this.#running.set(node, attempt);
    this.#after(
      settings.delayMs ?? 0,
      attempt.signal,
      () => void this.#try(node, settings, attempt.signal, 1),
    );
  }

  /** Does not go on: the node is heard again. A command under way is ended. */
  spare(node: string): void {
    this.#running.get(node)?.abort();
    this.#running.delete(node);
  }

  /** Ends everything. */
  stop(): void {
    for (const node of [...this.#running.keys()]) this.spare(node);
  }

  async #try(node: string, settings: FenceSettings, signal: AbortSignal, attempt: number): Promise<void> {
    const { command, action = "reset", timeoutMs = TIMEOUT_MS, retryMs = RETRY_MS } = settings;
    const { timers, logger, onResult } = this.#parts;
    logger.warn({ node, action, attempt }, `fencing ${node}: ${command.path} ${action} ${node}`);
    const { status, reason } = await runProgram(
      { path: command.path, args: [...command.args, action, node] },
      { timeoutMs, signal, env: { UVS_FENCE_ACTION: action, UVS_FENCE_NODE: node } },
      timers,
    );
    if (signal.aborted) {
      logger.warn({ node, attempt }, `the command that was to fence ${node} was ended: ${reason}`);
      return;
    }
    const isDone = status === 0;
    if (isDone) {
      this.#running.delete(node);
      logger.warn({ node, attempt }, `${node} is fenced`);
    } else {
      logger.error(
        { node, attempt },
        `${node} COULD NOT BE FENCED, so nothing that it may hold is taken: ${reason}; again in ${retryMs} ms`,
      );
      this.#after(retryMs, signal, () => void this.#try(node, settings, signal, attempt + 1));
    }
    onResult({ node, isDone, reason, attempt });
  }

  #after(delayMs: number, signal: AbortSignal, run: () => void): void {
    const cancel = this.#parts.timers.after(delayMs, run);
    signal.addEventListener("abort", cancel, { once: true });
  }
}
