/**
 * Notices that somebody says nothing any more. What has arrived and was not read yet counts as said: whoever watches may be
 * late itself.
 */

/** A shorter silence tells nothing on a busy machine. */
const LEAST_MS = 100;

/** See the file's head. */
export class SilenceWatch {
  readonly #onSilence: (silentMs: number) => void;
  #limitMs: number | undefined;
  #heardMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param onSilence told once for each silence */
  constructor(onSilence: (silentMs: number) => void) {
    this.#onSilence = onSilence;
  }

  /** Something was said. @param limitMs how long nothing may follow; undefined: for ever */
  heard(limitMs: number | undefined): void {
    this.#heardMs = performance.now();
    if (limitMs === this.#limitMs && this.#timer !== undefined) {
      this.#timer.refresh();
      return;
    }
    this.stop();
    this.#limitMs = limitMs;
    if (limitMs === undefined) return;
    this.#timer = setTimeout(() => this.#due(), Math.max(limitMs, LEAST_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Input is read between timers and immediates. */
  #due(): void {
    const heardMs = this.#heardMs;
    setImmediate(() => {
      if (this.#heardMs === heardMs && this.#timer !== undefined)
        this.#onSilence(performance.now() - heardMs);
    });
  }
}
