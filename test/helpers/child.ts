/**
 * A process that works for a test, because one process has too few descriptors or cores, or because it is to be killed.
 * Its module calls `answerParent` with functions, which the test then calls by name. It ends with the test.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";

/** Functions by name, as a module of a child offers them; arguments and results are JSON. */
// biome-ignore lint/suspicious/noExplicitAny: any function of JSON values
type Answers = Record<string, (...args: any[]) => unknown>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A child as its test sees it. `A` is the type of what its module gives to `answerParent`. */
export class Child<A extends Answers> {
  readonly process: ChildProcess;
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  /** @param module URL of the compiled module */
  constructor(t: TestContext, module: URL) {
    this.process = fork(module, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.process.on("message", ({ id, value, error }: Answer) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(value);
      else pending?.reject(new Error(error));
    });
    this.process.on("exit", (code, signal) => {
      for (const { reject } of this.#pending.values()) reject(new Error(`child ended: ${signal ?? code}`));
      this.#pending.clear();
    });
    t.after(() => this.kill());
  }

  /** Calls a function of the child. @throws Error with the child's message */
  ask<N extends keyof A & string>(name: N, ...args: Parameters<A[N]>): Promise<Awaited<ReturnType<A[N]>>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.process.send({ id, name, args } satisfies Question);
    });
  }

  /** Ends the child with SIGKILL; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}

/** The child's side: offers functions until the parent is gone. */
export function answerParent<A extends Answers>(answers: A): A {
  process.once("disconnect", () => process.exit(0));
  process.on("message", async ({ id, name, args }: Question) => {
    try {
      process.send?.({ id, value: await answers[name](...args) } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) } satisfies Answer);
    }
  });
  return answers;
}
