/**
 * One forwarder process as the primary sees it: requests go there and answers come back, until it exits. A generation
 * that dies fails what is being asked of it with UNAVAILABLE; whoever asked decides what that means.
 */
import type { Worker } from "node:cluster";
import { UvsError } from "../core/errors.js";
import type { FigureKind } from "../core/status.js";
import { Figures, Layout, NO_LAYOUT } from "./figures.js";
import type { ForwarderMessage, ForwarderRequests, RequestMessage, RequestName } from "./messages.js";
import type { SocketHandle } from "./plane-host.js";

interface Pending {
  readonly hasHandle: boolean;
  resolve(value: unknown): void;
  reject(error: UvsError): void;
}

/** How a generation stands. */
export type GenerationState = "starting" | "serving" | "draining" | "gone";

/** What a generation reports to its supervisor. */
export interface GenerationObserver {
  hello(generation: Generation): void;
  event(generation: Generation, message: ForwarderMessage): void;
  gone(generation: Generation, reason: string): void;
}

/** One forwarder process. */
export class Generation {
  readonly number: number;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** What the forwarder's figures were last told to be about. */
  #layout = NO_LAYOUT;
  state: GenerationState = "starting";

  constructor(number: number, worker: Worker, observer: GenerationObserver) {
    this.number = number;
    this.#worker = worker;
    worker.on("message", (message: ForwarderMessage) => {
      if ("answer" in message) this.#settle(message);
      else if (message.event === "hello") observer.hello(this);
      else observer.event(this, message);
    });
    // The error says what `exit` says again, or that a message found the channel closed.
    worker.on("error", () => {});
    worker.on("exit", (code, signal) => {
      this.state = "gone";
      const reason = signal ? `killed by ${signal}` : `exit code ${code}`;
      for (const pending of this.#pending.values()) {
        pending.reject(unavailable(this.number, reason));
      }
      this.#pending.clear();
      observer.gone(this, reason);
    });
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0;
  }

  /** @throws UvsError UNAVAILABLE when the forwarder is gone, or what the forwarder refused with */
  request<Name extends RequestName>(
    request: Name,
    argument: ForwarderRequests[Name]["takes"],
    handle?: SocketHandle,
  ): Promise<ForwarderRequests[Name]["gives"]> {
    return new Promise((resolve, reject) => {
      if (this.state === "gone") {
        reject(unavailable(this.number, "it has ended"));
        return;
      }
      const id = this.#nextId++;
      const hasHandle = handle !== undefined;
      this.#pending.set(id, { hasHandle, resolve: resolve as Pending["resolve"], reject });
      const message: RequestMessage = { id, request, argument };
      this.#worker.send(message, handle as never);
    });
  }

  /** What the forwarder counts. @throws UvsError as `request` */
  async figures(of: FigureKind): Promise<Figures> {
    const known = this.#layout;
    const { layout, names, rows } = await this.request("figures", { of, known: known.number });
    if (names === undefined) return new Figures(of, known, rows);
    // Asked twice at once, it has told the same names twice.
    if (layout !== this.#layout.number) this.#layout = new Layout(layout, names);
    return new Figures(of, this.#layout, rows);
  }

  /** Ends the process at once. */
  kill(): void {
    this.#worker.process.kill("SIGKILL");
  }

  #settle(message: Extract<ForwarderMessage, { answer: number }>): void {
    this.#rejectLost(message.answer);
    const pending = this.#pending.get(message.answer);
    this.#pending.delete(message.answer);
    if ("error" in message) pending?.reject(UvsError.fromPlain(message.error));
    else pending?.resolve(message.value);
  }

  /**
   * A socket that finds the forwarder without a free descriptor is lost, and its request with it. Answers come in the
   * order of the requests, so the next answer shows it.
   */
  #rejectLost(answered: number): void {
    for (const [id, { hasHandle, reject }] of this.#pending) {
      if (id >= answered) return;
      if (!hasHandle) continue;
      this.#pending.delete(id);
      reject(handleLost(this.number));
    }
  }
}

function handleLost(number: number): UvsError {
  return new UvsError(
    "SYSCALL",
    `forwarder generation ${number} has no descriptor left for a listening socket: raise the limit of open ` +
      "descriptors (ulimit -n), or try again when there are fewer connections",
    { side: "system", retryable: true },
  );
}

function unavailable(generation: number, reason: string): UvsError {
  return new UvsError("UNAVAILABLE", `forwarder generation ${generation} does not answer: ${reason}`, {
    side: "director",
    retryable: true,
  });
}
