/** Tells that an interface or an address has become another one, not which: rtnetlink(7) multicasts every change. */
import type { FdWatcher } from "./fd-watcher.js";
import type { Libc } from "./libc.js";
import { EAGAIN, MSG_DONTWAIT } from "./linux.js";
import { openNetlink } from "./netlink.js";

/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR. */
const GROUPS = 0x1 | 0x10 | 0x100;
const MESSAGE_BYTES = 8192;
/** Messages read in one go, so that a host that changes all the time cannot keep the thread here. */
const MAX_DRAINED = 1024;

/** See the file's head. */
export class InterfaceMonitor {
  readonly #libc: Libc;
  readonly #watcher: Pick<FdWatcher, "watch" | "unwatch">;
  readonly #fd: number;
  #isClosed = false;

  /** @throws UvsError SYSCALL */
  constructor(libc: Libc, watcher: Pick<FdWatcher, "watch" | "unwatch">, onChange: () => void) {
    const { buffer, address } = libc.allocate(MESSAGE_BYTES);
    this.#libc = libc;
    this.#watcher = watcher;
    this.#fd = openNetlink(libc, GROUPS);
    watcher.watch(this.#fd, () => {
      // ENOBUFS says that messages were lost: a change all the same.
      for (let i = 0; i < MAX_DRAINED; i++) {
        if (libc.recv(this.#fd, address, buffer.byteLength, MSG_DONTWAIT) === -EAGAIN) break;
      }
      onChange();
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watcher.unwatch(this.#fd);
    this.#libc.close(this.#fd);
  }
}
