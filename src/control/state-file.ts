/**
 * Live edits that survive a restart (`persist-edits`): the file `edits.json` in the state directory. It holds what the
 * director was told last and, beside it, what its configuration file said then, so that at the next start the edits stay
 * and what has changed in the file since goes on top of them, as at a reload.
 *
 * A write replaces the whole file or leaves the old one (new file, fsync, rename, fsync of the directory). A file that
 * cannot be read whole is renamed and told, never read in part and never deleted.
 */
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { applyChanges } from "../config/apply.js";
import { diffEdits, type EditableState } from "../config/diff.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import { replaceFile } from "./replace-file.js";
import { parseSaved, type Saved, serializeSaved } from "./state-format.js";
import { WriteTrouble } from "./write-trouble.js";

const FILE = "edits.json";
/** A director that is full (262,144 realservers, the file's and the edited ones) comes to 80 MB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Several edits in a row are one write. */
const WRITE_DELAY_MS = 200;
/** After a write that failed, e.g. because the disk was full. */
const RETRY_DELAY_MS = 10_000;

export interface StateFileOptions {
  /** Made if it is not there, for its owner alone. */
  readonly directory: string;
  readonly logger: Logger;
  /** Asked when it is time to write. */
  readonly read: () => Saved;
  /** @default 200 */
  readonly writeDelayMs?: number;
}

/** The kept edits of one director. `load` once, then `changed` after every edit, `flush` at the end. */
export class StateFile {
  readonly path: string;
  readonly #options: StateFileOptions;
  readonly #trouble: WriteTrouble;
  #written = "";
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: StateFileOptions) {
    this.#options = options;
    this.path = join(options.directory, FILE);
    this.#trouble = new WriteTrouble(options.logger, this.path, "live edits");
  }

  /**
   * What to start with: the kept edits with what has changed in the configuration file since; without kept edits, or
   * where they cannot be used, what the configuration file says.
   * @param check throws where the director would refuse this state: it is set aside then
   * @throws UvsError PERMISSION or SYSCALL where the directory cannot be made or the file not be read
   */
  async load(file: EditableState, check: (state: EditableState) => void): Promise<EditableState> {
    const { directory, logger } = this.#options;
    await attempt("make", directory, () => mkdir(directory, { recursive: true, mode: 0o700 }));
    const saved = await attempt("read", this.path, () => readSaved(this.path));
    if (saved === undefined) return file;
    if (typeof saved === "string") {
      await this.#setAside("corrupt", saved);
      return file;
    }
    const changes = diffEdits(saved.file, asRead(file));
    const state = applyChanges(saved.running, changes);
    try {
      check(state);
    } catch (error) {
      await this.#setAside("refused", UvsError.from(error).message);
      return file;
    }
    this.#written = serializeSaved(saved);
    logger.info(
      { file: this.path, services: state.services.length, newInConfiguration: changes.length },
      "live edits of the last run are in effect",
    );
    return state;
  }

  /** Something may have changed: it is written soon, if it has. */
  changed(): void {
    this.#schedule(this.#options.writeDelayMs ?? WRITE_DELAY_MS);
  }

  /** Resolves when what is running now is written, or writing it has failed. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), delayMs).unref();
  }

  async #write(): Promise<void> {
    const text = serializeSaved(this.#options.read());
    if (text === this.#written) return;
    try {
      await replaceFile(this.path, text);
      this.#written = text;
      this.#trouble.isOver();
    } catch (error) {
      this.#trouble.tell(error as NodeJS.ErrnoException);
      this.#schedule(RETRY_DELAY_MS);
    }
  }

  async #setAside(why: "corrupt" | "refused", reason: string): Promise<void> {
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const target = await freeName(`${this.path}.${why}-${time}`);
    await attempt("rename", this.path, () => rename(this.path, target));
    this.#options.logger.error(
      { file: this.path, setAside: target, reason },
      "kept edits cannot be used: set aside, the director starts with its configuration file",
    );
  }
}

/** What the file holds, why it cannot be used, or undefined where there is none. */
async function readSaved(path: string): Promise<Saved | string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) return `${size} bytes, at most ${MAX_BYTES} are possible`;
    return parseSaved(await readFile(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** As it would be after writing and reading: without keys that are undefined, which a comparison would see. */
function asRead({ services, timeouts, sysctls }: EditableState): EditableState {
  return JSON.parse(JSON.stringify({ services, timeouts, sysctls })) as EditableState;
}

/** The name, or the first of `name-1`, `name-2`, ... that is free. */
async function freeName(name: string): Promise<string> {
  for (let i = 0; ; i++) {
    const candidate = i === 0 ? name : `${name}-${i}`;
    const isTaken = await stat(candidate).then(
      () => true,
      () => false,
    );
    if (!isTaken) return candidate;
  }
}

async function attempt<T>(verb: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { code = "unknown", syscall = verb } = error as NodeJS.ErrnoException;
    const isForbidden = code === "EACCES" || code === "EPERM" || code === "EROFS";
    throw new UvsError(
      isForbidden ? "PERMISSION" : "SYSCALL",
      `state: cannot ${verb} ${path} (${syscall}: ${code}): allow it to the user of uvsd, or name another directory`,
      { side: "system", details: { path, syscall, errno: code }, cause: error },
    );
  }
}
