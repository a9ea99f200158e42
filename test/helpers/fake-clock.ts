/**
 * A wall clock for one program that the test can set while it runs, by Debian's libfaketime; the machine's own clock and all
 * monotonic clocks stay as they are.
 */
import { existsSync, renameSync, writeFileSync } from "node:fs";

const LIBRARIES = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].map(
  (folder) => `${folder}/faketime/libfaketime.so.1`,
);
const library = LIBRARIES.find((path) => existsSync(path));

/** Why clocks cannot be faked here; undefined: they can. */
export function fakeClockMissing(): string | undefined {
  return library === undefined ? "libfaketime is not installed" : undefined;
}

/** See the file's head. */
export class FakeClock {
  readonly #file: string;

  /** Shows the right time. @param file where the difference is written */
  constructor(file: string) {
    this.#file = file;
    this.set(0);
  }

  /** Environment of the program, as `NAME=VALUE`. */
  get environment(): string[] {
    return [
      `LD_PRELOAD=${library}`,
      "DONT_FAKE_MONOTONIC=1",
      `FAKETIME_TIMESTAMP_FILE=${this.#file}`,
      "FAKETIME_NO_CACHE=1",
    ];
  }

  /** Sets the clock. @param hours difference to the right time */
  set(hours: number): void {
    // The program reads it at any moment.
    writeFileSync(`${this.#file}.new`, `${hours < 0 ? "-" : "+"}${Math.abs(hours)}h\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
