/**
 * Weighted round robin: rounds over the list at falling levels, each taking the realservers whose weight reaches the
 * level (net/netfilter/ipvs/ip_vs_wrr.c). The levels are the greatest weight, less the common divisor each time, down to
 * the last one, where every weight above 0 counts; realservers of weights 4, 3, 2 take 4, 3, 2 turns of nine.
 *
 * A service that begins empty has its first round at the last level, as the level survives the edits that follow.
 *
 * | state word | kernel | meaning |
 * |---|---|---|
 * | 0 | `cl` | cursor: the realserver chosen last, or NONE: begin at the head |
 * | 1 | `cw` | present level |
 * | 2 | `mw` | highest level: greatest weight less (divisor - 1), so that the levels end at 1; 0: all weights are 0 |
 * | 3 | `di` | step between levels: common divisor of the weights above 0, or 1 |
 */
import { NONE, type SchedulerColumns, STATE_WORDS, UNUSABLE } from "./columns.js";
import type { Scheduler } from "./scheduler.js";
import { commonDivisor, greatestWeight } from "./weights.js";

const CURSOR = 0;
const LEVEL = 1;
const TOP = 2;
const STEP = 3;

/** The scheduler `wrr`. */
export const wrr: Scheduler = {
  name: "wrr",

  bind(columns, service) {
    begin(columns, service);
    const { state } = columns.services;
    state[service * STATE_WORDS + LEVEL] = state[service * STATE_WORDS + TOP];
  },

  serverAdded: keepLevel,
  serverEdited: keepLevel,
  serverDeleted: keepLevel,

  schedule({ services, servers }, service) {
    const { state } = services;
    const { next, weight, flags } = servers;
    const base = service * STATE_WORDS;
    const top = state[base + TOP];
    const step = state[base + STEP];
    if (top === 0) return NONE;
    const last = state[base + CURSOR];
    let level = state[base + LEVEL];
    let stop = NONE;
    let isLastLevel = false;
    let hasRestarted = false;
    let isWholeRound = last === NONE;
    let server = isWholeRound ? services.head[service] : next[last];

    for (;;) {
      let greatest = 0;
      for (; server !== NONE; server = next[server]) {
        const isOpen = (flags[server] & UNUSABLE) === 0;
        if (isOpen && weight[server] >= level) {
          state[base + CURSOR] = server;
          state[base + LEVEL] = level;
          return server;
        }
        if (server === stop) break;
        if (isOpen && weight[server] > greatest) greatest = weight[server];
      }
      // Every realserver was asked at the last level: the cursor stays where the search ended.
      if (server !== NONE) break;

      level -= step;
      if (isWholeRound) level = skipEmptyRounds(level, step, greatest);
      if (level <= 0) {
        level = top;
        if (isLastLevel || last === NONE) break;
        hasRestarted = true;
      }
      isLastLevel = level <= step;
      if (isLastLevel && hasRestarted) stop = last;
      isWholeRound = true;
      server = services.head[service];
    }
    state[base + CURSOR] = server;
    state[base + LEVEL] = level;
    return NONE;
  },
};

/**
 * Goes down to the highest level that somebody reaches, or to the last one. The kernel walks the list at each level
 * between, which can be two thousand million walks under the lock when the heaviest realserver is full.
 */
function skipEmptyRounds(level: number, step: number, greatest: number): number {
  const target = Math.max(greatest, step);
  return level > target ? level - Math.ceil((level - target) / step) * step : level;
}

/** Back to the head of the list, with levels made anew. */
function begin(columns: SchedulerColumns, service: number): void {
  const { state } = columns.services;
  const { weight } = columns.servers;
  const base = service * STATE_WORDS;
  const step = commonDivisor(columns, service, weight) || 1;
  state[base + CURSOR] = NONE;
  state[base + STEP] = step;
  state[base + TOP] = greatestWeight(columns, service, weight) - (step - 1);
}

/** As `begin`, but the present level is kept, cut to the new highest one and rounded to the new step. */
function keepLevel(columns: SchedulerColumns, service: number): void {
  begin(columns, service);
  const { state } = columns.services;
  const base = service * STATE_WORDS;
  const level = state[base + LEVEL];
  const top = state[base + TOP];
  const step = state[base + STEP];
  if (level > top || level === 0) state[base + LEVEL] = top;
  else if (step > 1) state[base + LEVEL] = Math.floor(level / step) * step + 1;
}
