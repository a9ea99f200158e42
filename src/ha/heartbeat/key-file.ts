/** The key file of a cluster, read again when it has changed. A change that makes no sense is told, and the old keys stay. */
import { statSync } from "node:fs";
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { Timers } from "../timers.js";
import { type AuthKeys, readAuthKeys } from "./auth-keys.js";

/** Between two looks at the file. */
const LOOK_MS = 1000;

/** See the file's head. */
export class KeyFile {
  readonly #path: string;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #keys: AuthKeys;
  #changedMs: number;
  #lookedMs: number;

  /** @throws UvsError PERMISSION or CONFIG, as `readAuthKeys` */
  constructor(path: string, timers: Timers, logger: Logger) {
    this.#path = path;
    this.#timers = timers;
    this.#logger = logger;
    this.#keys = this.#read();
    this.#changedMs = modifiedMs(path);
    this.#lookedMs = timers.nowMs();
  }

  /** The keys that are in force. */
  get keys(): AuthKeys {
    const nowMs = this.#timers.nowMs();
    if (nowMs - this.#lookedMs < LOOK_MS) return this.#keys;
    this.#lookedMs = nowMs;
    const changedMs = modifiedMs(this.#path);
    if (changedMs === this.#changedMs) return this.#keys;
    this.#changedMs = changedMs;
    try {
      this.#keys = this.#read();
      this.#logger.info({ file: this.#path }, `keys were read again from ${this.#path}`);
    } catch (error) {
      this.#logger.error({ file: this.#path }, `the keys stay as they were: ${UvsError.from(error).message}`);
    }
    return this.#keys;
  }

  #read(): AuthKeys {
    const keys = readAuthKeys(this.#path);
    for (const warning of keys.warnings) this.#logger.warn({ file: this.#path }, `${this.#path}: ${warning}`);
    return keys;
  }
}

/** @returns NaN where there is no such file, which counts as changed */
function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN;
}
