/**
 * Runs probes at their times: one heap and one timer for all of them, so many at once, none overlapping itself. Probes
 * that are identical (same checker, target and timing) run once, and each of those who asked is told.
 *
 * A job has one entry in the heap, whose meaning is its phase:
 *
 * | phase    | due is                      | when due                                             |
 * |----------|-----------------------------|------------------------------------------------------|
 * | waiting  | the next start              | starts, or queues where too many run or all yield    |
 * | queued   | (not in the heap)           | starts when another probe ends, or yielding          |
 * | running  | the deadline                | is aborted; expiring                                 |
 * | expiring | a millisecond after it      | did not tell why: is reported as timed out; stopping |
 * | stopping | the end of our patience     | is given up, its promise forgotten                   |
 */
import type { DurationSummary } from "../core/status.js";
import type { CheckResult } from "./checker.js";
import { Lateness } from "./lateness.js";
import { MixedCycle } from "./mixed-cycle.js";
import { ProbeAbort } from "./probe-abort.js";
import { type ProbePlan, planKey, runProbe, timedOut } from "./probe-plan.js";
import { type Timed, TimerHeap } from "./timer-heap.js";
import type { CancelTimer, Timers } from "./timers.js";

/** Who is told of results. Must not throw. */
export interface ProbeListener {
  /** Called after every probe. @param durationMs how long it took */
  onResult(result: CheckResult, durationMs: number): void;
  /** Time from this probe to the next, asked after `onResult`; the shortest of all listeners counts. */
  intervalMs(): number;
}

/** A listener's place at the runner. */
export interface ProbeHandle {
  /** Monotonic time of the next start; of a running probe, of this start. */
  nextRunMs(): number;
  readonly isRunning: boolean;
  /** Probes at once, unless a probe runs already. */
  runSoon(): void;
  /** No more results come. The last listener of a probe aborts it. */
  remove(): void;
}

/** What a runner is constructed with. */
export interface CheckRunnerOptions {
  readonly timers: Timers;
  /** Probes at once; further ones wait. @default 4096 */
  readonly maxRunning?: number;
  /** 0 to below 1. @default Math.random */
  readonly random?: () => number;
}

interface Job extends Timed {
  readonly key: string;
  readonly plan: ProbePlan;
  readonly cycle: MixedCycle | undefined;
  readonly listeners: Set<ProbeListener>;
  phase: "waiting" | "queued" | "running" | "expiring" | "stopping";
  /** When the current or last probe was to start. */
  startDueMs: number;
  startedMs: number;
  /** Number of the current probe: what earlier ones still say is not heard. */
  run: number;
  /** Of the current or last probe. */
  abort: ProbeAbort;
}

const MAX_RUNNING = 4096;
/** How long an aborted probe may take to let go before its place is given away. */
const PATIENCE_MS = 5000;
/** Longest that starts wait for whoever needs the loop, and how much of it each millisecond without a wait earns again. */
const YIELD_MS = 40;
const YIELD_EARNED = 0.4;
/** Fractions of its multiples spread evenly however many there are (Weyl's sequence of the golden ratio). */
const GOLDEN_RATIO = 0.618033988749895;

/** Runs probes. */
export class CheckRunner {
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #maxRunning: number;
  readonly #jobs = new Map<string, Job>();
  readonly #heap = new TimerHeap<Job>();
  readonly #queue = new Set<Job>();
  readonly #lateness = new Lateness();
  #running = 0;
  #added = 0;
  #armedForMs = Number.POSITIVE_INFINITY;
  #cancelTimer: CancelTimer = () => {};
  #isTicking = false;
  #isYielding = false;
  /** How long starts may wait; as of when they last began or ceased to. */
  #yieldMs = YIELD_MS;
  #yieldAtMs = 0;
  #cancelYield: CancelTimer = () => {};

  constructor({ timers, maxRunning = MAX_RUNNING, random = Math.random }: CheckRunnerOptions) {
    this.#timers = timers;
    this.#maxRunning = maxRunning;
    this.#random = random;
  }

  /** Different probes that are repeated. */
  get jobs(): number {
    return this.#jobs.size;
  }

  /** Probes that run now. */
  get running(): number {
    return this.#running;
  }

  /** How late probes started, of the last 10 to 20 s. */
  lateness(): DurationSummary {
    return this.#lateness.summary(this.#timers.nowMs());
  }

  /** Begins to repeat a probe; the first start comes within the timing's warm-up. */
  add(plan: ProbePlan, listener: ProbeListener): ProbeHandle {
    const key = planKey(plan);
    let job = this.#jobs.get(key);
    if (job === undefined) {
      job = this.#newJob(key, plan);
      this.#jobs.set(key, job);
      this.#heap.push(job);
      this.#arm();
    }
    job.listeners.add(listener);
    return this.#handle(job, listener);
  }

  /**
   * Somebody waits for what else the loop has to do, or does not any longer: meanwhile no probe starts, for 40 ms at most, and
   * for two sevenths of the time where it happens again and again. Deadlines are kept.
   */
  setYielding(isYielding: boolean): void {
    if (!isYielding) {
      this.#endYielding();
      return;
    }
    const now = this.#timers.nowMs();
    this.#yieldMs = Math.min(this.#yieldMs + YIELD_EARNED * (now - this.#yieldAtMs), YIELD_MS);
    this.#yieldAtMs = now;
    if (this.#yieldMs < 1) return;
    this.#isYielding = true;
    this.#cancelYield = this.#timers.after(this.#yieldMs, () => this.#endYielding());
  }

  /** Aborts all probes; nothing runs and nobody is told any more. */
  stop(): void {
    for (const job of this.#jobs.values()) this.#drop(job);
    this.#cancelTimer();
    this.#cancelYield();
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #newJob(key: string, plan: ProbePlan): Job {
    const spread = (this.#added++ * GOLDEN_RATIO) % 1;
    const dueMs = this.#timers.nowMs() + Math.floor(spread * plan.timing.warmupMs);
    return {
      key,
      plan,
      cycle: plan.shallow && new MixedCycle(plan.shallow.count),
      listeners: new Set(),
      phase: "waiting",
      dueMs,
      heapIndex: -1,
      startDueMs: dueMs,
      startedMs: 0,
      run: 0,
      abort: new ProbeAbort(),
    };
  }

  #handle(job: Job, listener: ProbeListener): ProbeHandle {
    return {
      nextRunMs: () => (job.phase === "waiting" ? job.dueMs : job.startDueMs),
      get isRunning() {
        return job.phase !== "waiting" && job.phase !== "queued";
      },
      runSoon: () => {
        if (job.phase === "waiting" && this.#jobs.get(job.key) === job)
          this.#schedule(job, this.#timers.nowMs());
      },
      remove: () => {
        if (job.listeners.delete(listener) && job.listeners.size === 0) this.#drop(job);
      },
    };
  }

  #drop(job: Job): void {
    job.listeners.clear();
    if (this.#jobs.get(job.key) === job) this.#jobs.delete(job.key);
    this.#queue.delete(job);
    if (job.phase === "waiting" || job.phase === "queued") {
      this.#heap.remove(job);
    } else if (job.phase === "running") {
      this.#abort(job, "stopping", PATIENCE_MS);
    }
  }

  #schedule(job: Job, dueMs: number): void {
    this.#heap.remove(job);
    job.dueMs = dueMs;
    this.#heap.push(job);
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap.peek();
    // While ticking, the end of the tick arms once for all.
    if (this.#isTicking || first === undefined || first.dueMs >= this.#armedForMs) return;
    this.#cancelTimer();
    this.#armedForMs = first.dueMs;
    this.#cancelTimer = this.#timers.after(Math.max(first.dueMs - this.#timers.nowMs(), 0), () =>
      this.#tick(),
    );
  }

  #tick(): void {
    this.#armedForMs = Number.POSITIVE_INFINITY;
    this.#isTicking = true;
    const now = this.#timers.nowMs();
    for (let job = this.#heap.peek(); job !== undefined && job.dueMs <= now; job = this.#heap.peek()) {
      this.#heap.remove(job);
      this.#onDue(job, now);
    }
    this.#isTicking = false;
    this.#arm();
  }

  #onDue(job: Job, now: number): void {
    if (job.phase === "waiting") {
      job.startDueMs = job.dueMs;
      if (this.#hasRoom) {
        this.#start(job, now);
      } else {
        job.phase = "queued";
        this.#queue.add(job);
      }
    } else if (job.phase === "running") {
      this.#abort(job, "expiring", 1);
    } else if (job.phase === "expiring") {
      this.#report(job, timedOut(job.plan), now);
      job.phase = "stopping";
      this.#schedule(job, now + PATIENCE_MS);
    } else {
      this.#finish(job, now);
    }
  }

  #start(job: Job, now: number): void {
    this.#lateness.record(now - job.startDueMs, now);
    this.#running++;
    const run = ++job.run;
    job.phase = "running";
    job.startedMs = now;
    this.#schedule(job, now + job.plan.timing.timeoutMs);
    const checker = job.cycle?.next() === "shallow" ? job.plan.shallow!.checker : job.plan.checker;
    job.abort = new ProbeAbort();
    runProbe(checker, job.plan, job.abort).then((result) => {
      if (job.run === run) this.#settled(job, result);
    });
  }

  #settled(job: Job, result: CheckResult): void {
    const now = this.#timers.nowMs();
    if (job.phase === "running") this.#report(job, result, now);
    // It knows best in which phase the deadline met it; but what passed too late has not passed.
    if (job.phase === "expiring")
      this.#report(job, result.outcome === "passed" ? timedOut(job.plan) : result, now);
    this.#finish(job, now);
  }

  #report(job: Job, result: CheckResult, now: number): void {
    job.cycle?.record(result.outcome === "passed");
    for (const listener of job.listeners) listener.onResult(result, now - job.startedMs);
  }

  /** The probe is over: its place is free, and its next start is set. */
  #finish(job: Job, now: number): void {
    job.run++;
    this.#heap.remove(job);
    this.#running--;
    if (job.listeners.size > 0) {
      job.phase = "waiting";
      this.#schedule(job, this.#nextStart(job, now));
    }
    this.#startQueued(now);
  }

  get #hasRoom(): boolean {
    return !this.#isYielding && this.#running < this.#maxRunning;
  }

  #startQueued(now: number): void {
    for (const job of this.#queue) {
      if (!this.#hasRoom) return;
      this.#queue.delete(job);
      this.#start(job, now);
    }
  }

  #endYielding(): void {
    if (!this.#isYielding) return;
    this.#cancelYield();
    this.#isYielding = false;
    const now = this.#timers.nowMs();
    this.#yieldMs -= now - this.#yieldAtMs;
    this.#yieldAtMs = now;
    this.#startQueued(now);
  }

  #nextStart(job: Job, now: number): number {
    const { countFrom, jitterPercent } = job.plan.timing;
    let interval = Number.POSITIVE_INFINITY;
    for (const listener of job.listeners) interval = Math.min(interval, listener.intervalMs());
    const jitter = interval * (jitterPercent / 100) * (2 * this.#random() - 1);
    return Math.max((countFrom === "start" ? job.startDueMs : now) + Math.round(interval + jitter), now);
  }

  #abort(job: Job, phase: "expiring" | "stopping", patienceMs: number): void {
    job.phase = phase;
    this.#schedule(job, this.#timers.nowMs() + patienceMs);
    job.abort.abort();
  }
}
