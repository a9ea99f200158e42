/** Programs of the load that are told by messages what to do, and answer each with what came of it. */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Processes, Running } from "../system/processes.js";

/** What a program answers: its result, or why there is none. */
export type Answer<T> = { readonly result: T } | { readonly error: string };

/** Starts a program of this folder. @param job what it is for, from its start on; parsed by `serve` */
export function startProgram(processes: Processes, name: string, job: unknown): Running {
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return processes.start("load", [process.execPath, program, JSON.stringify(job)], true);
}

/** Asks, and waits for the answer. @throws Error with what the program says, or when the time is up */
export async function ask<T>({ child, output }: Running, question: unknown, seconds: number): Promise<T> {
  const abort = new AbortController();
  const { signal } = abort;
  const late = setTimeout(() => abort.abort(), seconds * 1000);
  const ended = once(child, "exit", { signal }).then(() => {
    throw new Error(`the load has ended: ${output()}`);
  });
  ended.catch(() => {}); // told by the race, or of no interest any more
  try {
    child.send(question as object);
    const [answer] = (await Promise.race([once(child, "message", { signal }), ended])) as [Answer<T>];
    if ("error" in answer) throw new Error(answer.error);
    return answer.result;
  } catch (error) {
    throw signal.aborted ? new Error(`the load was not done within ${seconds} s`) : error;
  } finally {
    clearTimeout(late);
    abort.abort();
  }
}

/** The program's side: makes a worker of the job, which answers every question, until the parent ends. */
export function serve<Job, Question, Result>(begin: (job: Job) => (question: Question) => Result): void {
  const answer = begin(JSON.parse(process.argv[2]) as Job);
  process.once("disconnect", () => process.exit(0));
  process.on("message", (question) => {
    try {
      process.send?.({ result: answer(question as Question) });
    } catch (error) {
      process.send?.({ error: (error as Error).message });
    }
  });
}
