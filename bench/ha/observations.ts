/** What was seen in one run of the HA bench, and what follows from it. Times are wall clock in milliseconds, one clock for all. */

/** One echo request. */
export interface Probe {
  readonly sentMs: number;
  /** Hardware address of who answered first; empty: nobody did. */
  by: string;
  /** Of who answered besides. */
  alsoBy?: string;
}

/** A VRRP advertisement. */
export interface Advert {
  readonly atMs: number;
  readonly by: string;
  readonly id: number;
  readonly priority: number;
}

/** A gratuitous ARP for the floating address. */
export interface Announcement {
  readonly atMs: number;
  readonly by: string;
}

/** What the client has seen. */
export interface ProberReport {
  readonly probes: Probe[];
  readonly adverts: Advert[];
  readonly announcements: Announcement[];
}

/** A host that had the floating address. */
export interface Holding {
  readonly host: string;
  readonly fromMs: number;
  /** Infinity: until the end. */
  readonly toMs: number;
}

/** What one run comes to. */
export interface RunResult {
  /** The longest time between two answered probes of which one between was lost; 0: none was lost. */
  readonly outageMs: number;
  readonly lost: number;
  /** Longest time in which two hosts that could be reached had the address. */
  readonly holdersMs: number;
  /** From the first advertisement of a master to the last one of another that it follows; below 0: they did not overlap. */
  readonly mastersMs: number;
  readonly announcements: number;
  /** Bursts of them. */
  readonly announcementSets: number;
  /** From the last advertisement of the master to the event: the phase that it met; Infinity: none was seen. */
  readonly phaseMs: number;
  /** From the last advertisement of the master to the first one of the other; Infinity: there was none. */
  readonly noticedMs: number;
  /** Longest time without an advertisement of whoever was master. */
  readonly silenceMs: number;
}

/** Announcements of a host that follow one another closer than this are one set. */
const SET_MS = 100;
/** Probes at the end that may still be answered. */
const IN_FLIGHT_MS = 5;

/**
 * Sums a run up.
 * @param directors hardware addresses of the directors, the master's first: what others advertise is none of theirs
 * @param sinceMs what was before does not count
 * @param cut the host that nobody can reach since then: it counts as holding nothing
 */
export function summarise(
  { probes, adverts, announcements }: ProberReport,
  holdings: readonly Holding[],
  directors: readonly string[],
  sinceMs: number,
  cut?: { readonly host: string; readonly atMs: number },
): RunResult {
  const endMs = (probes.at(-1)?.sentMs ?? sinceMs) - IN_FLIGHT_MS;
  const relevant = probes.filter(({ sentMs }) => sentMs >= sinceMs && sentMs <= endMs);
  const later = adverts.filter(({ atMs, by }) => atMs >= sinceMs && directors.includes(by));
  return {
    outageMs: longestOutage(relevant),
    lost: relevant.filter(({ by }) => by === "").length,
    holdersMs: overlap(
      holdings.map((holding) =>
        holding.host === cut?.host ? { ...holding, toMs: Math.min(holding.toMs, cut.atMs) } : holding,
      ),
      sinceMs,
      endMs,
    ),
    mastersMs: mastersOverlap(later),
    announcements: announcements.filter(({ atMs }) => atMs >= sinceMs).length,
    announcementSets: setsOf(announcements.filter(({ atMs }) => atMs >= sinceMs)),
    phaseMs: sinceMs - lastOf(adverts, directors[0], sinceMs),
    noticedMs: noticed(adverts, directors, sinceMs),
    silenceMs: longestSilence([sinceMs, ...later.map(({ atMs }) => atMs), endMs]),
  };
}

function longestOutage(probes: readonly Probe[]): number {
  let longest = 0;
  let lastMs = probes[0]?.sentMs ?? 0;
  let isLost = false;
  for (const { sentMs, by } of probes) {
    if (by === "") {
      isLost = true;
      continue;
    }
    if (isLost) longest = Math.max(longest, sentMs - lastMs);
    isLost = false;
    lastMs = sentMs;
  }
  return isLost ? Number.POSITIVE_INFINITY : longest;
}

function overlap(holdings: readonly Holding[], sinceMs: number, endMs: number): number {
  let longest = 0;
  for (const [i, one] of holdings.entries()) {
    for (const other of holdings.slice(i + 1)) {
      if (one.host === other.host) continue;
      const fromMs = Math.max(one.fromMs, other.fromMs, sinceMs);
      longest = Math.max(longest, Math.min(one.toMs, other.toMs, endMs) - fromMs);
    }
  }
  return longest;
}

/** Only priorities above 0 are a master's. */
function mastersOverlap(adverts: readonly Advert[]): number {
  const spans = new Map<string, { firstMs: number; lastMs: number }>();
  for (const { by, atMs, priority } of adverts) {
    if (priority === 0) continue;
    const span = spans.get(by);
    if (span === undefined) spans.set(by, { firstMs: atMs, lastMs: atMs });
    else span.lastMs = atMs;
  }
  const [one, other] = [...spans.values()].sort((a, b) => a.firstMs - b.firstMs);
  return one === undefined || other === undefined ? Number.NEGATIVE_INFINITY : one.lastMs - other.firstMs;
}

function lastOf(adverts: readonly Advert[], director: string, beforeMs: number): number {
  return (
    adverts.findLast(({ by, atMs }) => by === director && atMs <= beforeMs)?.atMs ?? Number.NEGATIVE_INFINITY
  );
}

function noticed(adverts: readonly Advert[], [master, other]: readonly string[], sinceMs: number): number {
  const firstMs =
    adverts.find(({ by, atMs }) => by === other && atMs > sinceMs)?.atMs ?? Number.POSITIVE_INFINITY;
  return firstMs - lastOf(adverts, master, firstMs);
}

/** Single ones, which refresh, are no set. */
function setsOf(announcements: readonly Announcement[]): number {
  let sets = 0;
  for (const host of new Set(announcements.map(({ by }) => by))) {
    const times = announcements.filter(({ by }) => by === host).map(({ atMs }) => atMs);
    const follows = times.map((atMs, i) => i > 0 && atMs - times[i - 1] < SET_MS);
    sets += follows.filter((isSecond, i) => isSecond && !follows[i - 1]).length;
  }
  return sets;
}

function longestSilence(times: readonly number[]): number {
  return Math.max(0, ...times.slice(1).map((atMs, i) => atMs - times[i]));
}
