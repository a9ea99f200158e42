/**
 * The kernel's rate estimator (net/netfilter/ipvs/ip_vs_est.c): every 2 seconds an exponentially weighted average with
 * weight 1/4 in fixed point, 10 fraction bits for connections and packets, 5 for bytes.
 */
import type { TrafficRates, TrafficTotals } from "../core/status.js";

/** How often `estimate` is to be called. */
export const ESTIMATION_PERIOD_MS = 2000;

const NAMES = ["connections", "inPackets", "outPackets", "inBytes", "outBytes"] as const;
const FRACTION_BITS: Readonly<Record<(typeof NAMES)[number], number>> = {
  connections: 10,
  inPackets: 10,
  outPackets: 10,
  inBytes: 5,
  outBytes: 5,
};

/** No traffic. */
export function zeroTotals(): TrafficTotals {
  return { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
}

/** Averages of one realserver's or service's counters. */
export class RateEstimator {
  #last: TrafficTotals;
  #averages = zeroTotals();

  /** @param totals counters now */
  constructor(totals: TrafficTotals) {
    this.#last = { ...totals };
  }

  /** Takes the counters of the end of a period. */
  estimate(totals: TrafficTotals): void {
    for (const name of NAMES) {
      // Per second over two seconds: one bit less than the fraction. Doubles are exact here, floor is the signed shift.
      const rate = (totals[name] - this.#last[name]) * 2 ** (FRACTION_BITS[name] - 1);
      this.#averages[name] += Math.floor((rate - this.#averages[name]) / 4);
    }
    this.#last = { ...totals };
  }

  /** Starts over, as `-Z` does. */
  reset(totals: TrafficTotals): void {
    this.#last = { ...totals };
    this.#averages = zeroTotals();
  }

  /** Rounded as the kernel shows them. */
  rates(): TrafficRates {
    const rates = zeroTotals();
    for (const name of NAMES) {
      const one = 2 ** FRACTION_BITS[name];
      rates[name] = Math.floor((this.#averages[name] + one / 2 - 1) / one);
    }
    return rates;
  }
}
