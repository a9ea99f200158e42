/**
 * What tells a probe that its time is over: an AbortSignal as far as probes listen to one, which an AbortSignal is as well. An
 * AbortController keeps a table that is made anew with each listener that comes or goes: an eighth of what an HTTP check costs.
 */

/** Aborted at most once, and for good. */
export interface ProbeSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The signal of a probe, and the power to abort it. */
export class ProbeAbort implements ProbeSignal {
  readonly #listeners: (() => void)[] = [];
  #isAborted = false;

  get aborted(): boolean {
    return this.#isAborted;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  /** Tells whoever listens, once. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    for (const listener of [...this.#listeners]) listener();
  }
}
