import { type Checker, type CheckResult, failed, type Probe, passed } from "../../src/health/checker.js";

/** One probe that a scripted checker was asked for, still to be answered. */
export interface AskedProbe {
  readonly probe: Probe;
  answer(result: CheckResult): void;
}

/** A checker that answers at once by a script: `.` passes, `x` fails, and the last answer goes on for ever. */
export class ScriptedChecker implements Checker {
  readonly kind = "scripted";
  readonly name: string;
  readonly key: string;
  readonly perService: boolean;
  /** When the probes started, by the clock given. */
  readonly startsMs: number[] = [];
  readonly probes: Probe[] = [];
  answers: CheckResult[];
  readonly #nowMs: () => number;

  constructor(
    nowMs: () => number,
    script: string | CheckResult[] = ".",
    key = "scripted",
    perService = false,
  ) {
    this.#nowMs = nowMs;
    this.answers =
      typeof script === "string" ? [...script].map((c) => (c === "." ? passes : fails)) : [...script];
    this.name = key;
    this.key = key;
    this.perService = perService;
  }

  async probe(probe: Probe): Promise<CheckResult> {
    this.startsMs.push(this.#nowMs());
    this.probes.push(probe);
    return this.answers.length > 1 ? this.answers.shift()! : this.answers[0];
  }
}

/** A checker whose probes the test answers itself, when it likes. */
export class HeldChecker implements Checker {
  readonly kind = "held";
  readonly name = "held";
  readonly key = "held";
  readonly asked: AskedProbe[] = [];

  probe(probe: Probe): Promise<CheckResult> {
    return new Promise((resolve) => this.asked.push({ probe, answer: resolve }));
  }
}

export const passes = passed("L7OK", "fine");
export const fails = failed("L7RSP", "broken");
