/**
 * Power of two choices: draws two realservers at random by weight and takes the less loaded one
 * (net/netfilter/ipvs/ip_vs_twos.c). The kernel's 32-bit sum of weights and its 32-bit products overflow for great
 * weights; those here do not, and agree wherever the kernel's do not overflow.
 *
 * | state word | meaning |
 * |---|---|
 * | 0 | state of the random numbers (xorshift32), never 0 |
 */
import { NONE, STATE_WORDS } from "./columns.js";
import { exceeds, isUsable, overhead } from "./load.js";
import type { Scheduler } from "./scheduler.js";

const RANDOM = 0;

/** The scheduler `twos`. */
export const twos: Scheduler = {
  name: "twos",

  bind({ services }, service) {
    services.state[service * STATE_WORDS + RANDOM] = (Math.random() * 0x100000000) | 0 || 1;
  },

  schedule({ services, servers }, service) {
    const { next, weight } = servers;
    const head = services.head[service];
    let total = 0;
    for (let server = head; server !== NONE; server = next[server]) {
      if (isUsable(servers, server)) total += weight[server];
    }
    if (total === 0) return NONE;
    const random = service * STATE_WORDS + RANDOM;
    let first = drawUpTo(services.state, random, total);
    let second = drawUpTo(services.state, random, total);
    let firstChoice = NONE;
    let secondChoice = NONE;
    // Both draws are at most the sum that is taken off them, so both choices are made before the list ends.
    for (let server = head; firstChoice === NONE || secondChoice === NONE; server = next[server]) {
      if (!isUsable(servers, server)) continue;
      first -= weight[server];
      second -= weight[server];
      if (first <= 0 && firstChoice === NONE) firstChoice = server;
      if (second <= 0 && secondChoice === NONE) secondChoice = server;
    }
    const isSecondLighter = exceeds(
      overhead(servers, firstChoice),
      weight[secondChoice],
      overhead(servers, secondChoice),
      weight[firstChoice],
    );
    return isSecondLighter ? secondChoice : firstChoice;
  },
};

/** A uniform integer from 0 to `most`, both included: the first realserver has one draw more than its weight. */
function drawUpTo(state: Int32Array, index: number, most: number): number {
  const high = nextRandom(state, index) >>> 11;
  const low = nextRandom(state, index) >>> 0;
  const fraction = (high * 0x100000000 + low) / 2 ** 53;
  return Math.floor(fraction * (most + 1));
}

/** Marsaglia, "Xorshift RNGs", 2003: period 2^32 - 1, the triple 13, 17, 5. */
function nextRandom(state: Int32Array, index: number): number {
  let x = state[index];
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  state[index] = x;
  return x;
}
