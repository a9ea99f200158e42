/**
 * Runs the native data plane: one thread per plane, each blocked in its epoll loop. A command is posted to the thread's
 * port and the thread is woken through its eventfd. A thread that does not end when it is told to is left behind: the
 * process ends by a signal then, as `process.exit` would wait for it.
 */
import { Worker } from "node:worker_threads";
import { UvsError } from "../core/errors.js";
import type { PlaneCommand, PlaneEvent } from "../dataplane/dataplane.js";
import { type Libc, loadLibc } from "../dataplane/native/libc.js";
import { F_DUPFD_CLOEXEC } from "../dataplane/native/linux.js";
import { syscallError } from "../dataplane/native/syscall-error.js";
import { Bell, createWakeup } from "../dataplane/native/wakeup.js";
import type { HostOptions, PlaneHost, SocketHandle } from "./plane-host.js";
import type { ThreadData } from "./thread.js";

/** Files that a thread's modules are read from at once. */
const DESCRIPTORS_TO_START = 128;

/** A thread is told to stop and ends within a loop's turn; later it is taken for hung. */
const STOP_DEADLINE_MS = 2000;

interface Thread {
  readonly worker: Worker;
  readonly wakeFd: number;
  readonly ended: Promise<void>;
}

/** Host of the native planes. */
export class NativeHost implements PlaneHost {
  readonly #options: HostOptions;
  readonly #libc: Libc = loadLibc();
  readonly #bell = new Bell(this.#libc);
  readonly #threads: Thread[] = [];
  #isStopping = false;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { rings } = this.#options;
    const atOnce = Math.max(1, Math.floor(this.#libc.descriptorLimit() / DESCRIPTORS_TO_START));
    for (let first = 0; first < rings.length; first += atOnce) {
      const group = rings.slice(first, first + atOnce);
      await Promise.all(group.map((_, index) => this.#startThread(first + index)));
    }
  }

  command(thread: number, command: PlaneCommand, handle?: SocketHandle): void {
    const { worker, wakeFd } = this.#threads[thread];
    if (command.op === "listen" && handle !== undefined) {
      // The handle's own descriptor belongs to libuv; the thread gets one of its own.
      const fd = this.#libc.fcntl(handle.fd, F_DUPFD_CLOEXEC, 0);
      handle.close();
      if (fd < 0)
        throw syscallError("fcntl(F_DUPFD_CLOEXEC)", fd, "raise the limit of open descriptors (ulimit -n)");
      worker.postMessage({ ...command, listener: { ...command.listener, fd } });
    } else {
      worker.postMessage(command);
    }
    this.#bell.ring(wakeFd);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (let thread = 0; thread < this.#threads.length; thread++) this.command(thread, { op: "stop" });
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(hung()), STOP_DEADLINE_MS);
    });
    try {
      await Promise.race([Promise.all(this.#threads.map(({ ended }) => ended)), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #startThread(thread: number): Promise<void> {
    const { columns, memory, rings, onEvent, onFailure } = this.#options;
    const wakeFd = createWakeup(this.#libc);
    const workerData: ThreadData = { thread, columns, memory, records: rings[thread], wakeFd };
    const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData, name: `uvs-${thread}` });
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    this.#threads[thread] = { worker, wakeFd, ended };
    return new Promise((resolve, reject) => {
      worker.on("message", (event: PlaneEvent) => {
        if (event.event === "ready") resolve();
        onEvent(event);
      });
      worker.on("error", (error) => {
        reject(error);
        onFailure(error);
      });
      worker.on("exit", (code) => {
        if (!this.#isStopping) onFailure(new Error(`data plane thread ${thread} ended with code ${code}`));
      });
    });
  }
}

function hung(): UvsError {
  return new UvsError("INTERNAL", `a data plane thread did not stop within ${STOP_DEADLINE_MS} ms`, {
    side: "director",
  });
}
