/** Entry of the thread of `FdWatcher`: posts the number of every descriptor that became readable, until it is woken. */
import { parentPort, workerData } from "node:worker_threads";
import { EpollEvents } from "./epoll-event.js";
import { loadLibc } from "./libc.js";
import { raiseThreadPriority } from "./thread-priority.js";

/** What the thread is started with. */
export interface WatchThreadData {
  readonly epoll: number;
  /** An eventfd in the epoll instance; readable: end. */
  readonly wakeFd: number;
}

const BATCH = 64;
/** A thread that is to be ended from outside ends when a call returns; whoever ends it waits for that. */
const LONGEST_WAIT_MS = 500;

const { epoll, wakeFd } = workerData as WatchThreadData;
const libc = loadLibc();
raiseThreadPriority(libc);
const memory = libc.allocate(EpollEvents.bytes(BATCH));
const events = new EpollEvents(memory.buffer);

for (let isAwake = true; isAwake; ) {
  const count = libc.epollWait(epoll, memory.address, BATCH, LONGEST_WAIT_MS);
  for (let i = 0; i < count; i++) {
    const fd = events.subject(i);
    if (fd === wakeFd) isAwake = false;
    else parentPort?.postMessage(fd);
  }
}
