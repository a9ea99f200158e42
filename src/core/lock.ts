/**
 * A lock in one word of shared memory: 0 free, 1 held, 2 held with waiters. Spins briefly, then sleeps in
 * `Atomics.wait` (the three-state mutex of Drepper, "Futexes are tricky", 2011, section 5). Held for the microsecond of
 * a scheduling decision or an edit; the holder must release it on every way out (try/finally where anything may throw).
 * On a plain ArrayBuffer (tests, the `net` plane's single thread) nobody else can hold it and it never waits.
 */
const FREE = 0;
const HELD = 1;
const CONTENDED = 2;

/** Tries before sleeping: about two microseconds, longer than a decision takes. */
const SPINS = 100;

/** Takes the lock. Hot path: no allocation. */
export function lock(words: Int32Array, index: number): void {
  for (let i = 0; i < SPINS; i++) {
    if (Atomics.compareExchange(words, index, FREE, HELD) === FREE) return;
  }
  while (Atomics.exchange(words, index, CONTENDED) !== FREE) {
    Atomics.wait(words, index, CONTENDED);
  }
}

/** Releases the lock and wakes one waiter, if there is one. Hot path: no allocation. */
export function unlock(words: Int32Array, index: number): void {
  if (Atomics.exchange(words, index, FREE) === CONTENDED) {
    Atomics.notify(words, index, 1);
  }
}
