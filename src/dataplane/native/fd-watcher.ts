/**
 * Lets Node's event loop wait for descriptors that it has no handle for. A thread blocks in `epoll_wait` and posts which
 * ones became readable; reading is done by whoever watches, on its own thread, so that it can also read at any other time.
 * Each descriptor is armed for one event and again after it was read.
 */
import { Worker } from "node:worker_threads";
import { EpollEvents } from "./epoll-event.js";
import type { WatchThreadData } from "./fd-watcher-thread.js";
import type { Libc } from "./libc.js";
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLONESHOT } from "./linux.js";
import { syscallError } from "./syscall-error.js";
import { Bell, createWakeup } from "./wakeup.js";

/** Megabytes of JavaScript heap of the thread, which allocates next to nothing. */
const HEAP_MB = 16;

/** See the file's head. */
export class FdWatcher {
  readonly #libc: Libc;
  readonly #epoll: number;
  readonly #wakeFd: number;
  readonly #bell: Bell;
  readonly #request: EpollEvents;
  readonly #requestAddress: number;
  readonly #readers = new Map<number, () => void>();
  readonly #onFailure: (error: Error) => void;
  #worker: Worker;
  #isClosed = false;

  /**
   * @param onFailure the thread has died and is being replaced
   * @throws UvsError SYSCALL
   */
  constructor(libc: Libc, onFailure: (error: Error) => void) {
    const request = libc.allocate(EpollEvents.bytes(1));
    this.#libc = libc;
    this.#onFailure = onFailure;
    this.#bell = new Bell(libc);
    this.#request = new EpollEvents(request.buffer);
    this.#requestAddress = request.address;
    this.#epoll = libc.epollCreate();
    if (this.#epoll < 0) {
      throw syscallError("epoll_create1", this.#epoll, "raise the limit of open descriptors (ulimit -n)");
    }
    this.#wakeFd = createWakeup(libc);
    this.#request.set(0, EPOLLIN, this.#wakeFd, 0);
    this.#control(EPOLL_CTL_ADD, this.#wakeFd);
    this.#worker = this.#startThread();
  }

  /**
   * Calls `onReadable` whenever there is something to read, until `unwatch`. It must read all there is.
   * @throws UvsError SYSCALL
   */
  watch(fd: number, onReadable: () => void): void {
    this.#readers.set(fd, onReadable);
    this.#arm(EPOLL_CTL_ADD, fd);
  }

  /** Call it before the descriptor is closed. */
  unwatch(fd: number): void {
    if (this.#readers.delete(fd)) this.#control(EPOLL_CTL_DEL, fd);
  }

  /** Ends the thread. Descriptors that are watched stay open. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const ended = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    this.#bell.ring(this.#wakeFd);
    await ended;
    this.#libc.close(this.#wakeFd);
    this.#libc.close(this.#epoll);
  }

  #startThread(): Worker {
    const workerData: WatchThreadData = { epoll: this.#epoll, wakeFd: this.#wakeFd };
    const worker = new Worker(new URL("./fd-watcher-thread.js", import.meta.url), {
      workerData,
      name: "uvs-watch",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 1 },
    });
    worker.on("message", (fd: number) => this.#readable(fd));
    worker.on("error", this.#onFailure);
    worker.once("exit", (code) => {
      if (this.#isClosed) return;
      this.#onFailure(new Error(`the thread that watches descriptors ended with code ${code}`));
      this.#worker = this.#startThread();
      // What it had taken from the queue and not posted is lost.
      for (const fd of this.#readers.keys()) this.#readable(fd);
    });
    return worker;
  }

  #readable(fd: number): void {
    const read = this.#readers.get(fd);
    if (read === undefined) return;
    try {
      read();
    } finally {
      if (this.#readers.get(fd) === read) this.#arm(EPOLL_CTL_MOD, fd);
    }
  }

  #arm(op: number, fd: number): void {
    this.#request.set(0, EPOLLIN | EPOLLONESHOT, fd, 0);
    const result = this.#control(op, fd);
    if (result < 0) throw syscallError("epoll_ctl", result, "raise fs.epoll.max_user_watches");
  }

  #control(op: number, fd: number): number {
    return this.#libc.epollCtl(this.#epoll, op, fd, this.#requestAddress);
  }
}
