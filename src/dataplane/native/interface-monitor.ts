/** Tells that an interface or one of its addresses has changed, not how: rtnetlink(7) multicasts every change. */
import type { FdWatcher } from "./fd-watcher.js";
import type { Libc } from "./libc.js";
import { EAGAIN, MSG_DONTWAIT } from "./linux.js";
import { openNetlink } from "./netlink.js";

/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR. */
const GROUPS = 0x1 | 0x10 | 0x100;
const MESSAGE_BYTES = 8192;
/** Behind struct nlmsghdr; struct ifinfomsg and struct ifaddrmsg have it in the same place. */
const INDEX_AT = 20;
/** Messages read in one go, so that a host that changes all the time cannot keep the thread here. */
const MAX_DRAINED = 1024;

/** @param index of the interface; undefined: it is not known of which */
export type OnInterfaceChange = (index: number | undefined) => void;

/** See the file's head. */
export class InterfaceMonitor {
  readonly #libc: Libc;
  readonly #watcher: Pick<FdWatcher, "watch" | "unwatch">;
  readonly #fd: number;
  #isClosed = false;

  /** @throws UvsError SYSCALL */
  constructor(libc: Libc, watcher: Pick<FdWatcher, "watch" | "unwatch">, onChange: OnInterfaceChange) {
    const { buffer, address } = libc.allocate(MESSAGE_BYTES);
    const view = new DataView(buffer);
    this.#libc = libc;
    this.#watcher = watcher;
    this.#fd = openNetlink(libc, GROUPS);
    watcher.watch(this.#fd, () => {
      for (let i = 0; i < MAX_DRAINED && !this.#isClosed; i++) {
        // One message at a time; ENOBUFS says that some were lost.
        const bytes = libc.recv(this.#fd, address, buffer.byteLength, MSG_DONTWAIT);
        if (bytes === -EAGAIN) break;
        onChange(bytes >= INDEX_AT + 4 ? view.getInt32(INDEX_AT, true) : undefined);
      }
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watcher.unwatch(this.#fd);
    this.#libc.close(this.#fd);
  }
}
