/**
 * Copies of listening sockets without a system call of our own: Node's IPC copies a handle when it sends one, so a child
 * that sends everything back makes copies, just as the primary gives them to a forwarder.
 */

import type { SendHandle } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

/** A bound socket as node:net has it inside; only `listen` of a net.Server makes it accept. */
export interface BoundHandle {
  getsockname(into: object): number;
  close(): void;
}

/** UV_TCP_IPV6ONLY of libuv: keeps `::` from taking the port of `0.0.0.0`. */
const IPV6_ONLY = 1;

/** Binds an address without accepting. @throws Error where it cannot be bound */
export function bindHandle(address: string, port: number): { handle: BoundHandle; port: number } {
  const family = address.includes(":") ? 6 : 4;
  const net = createRequire(import.meta.url)("node:net") as {
    // What node:cluster itself binds with; not part of the documented interface, and for tests only.
    _createServerHandle(...args: unknown[]): BoundHandle | number;
  };
  const handle = net._createServerHandle(address, port, family, undefined, family === 6 ? IPV6_ONLY : 0);
  if (typeof handle === "number") throw new Error(`cannot bind ${address}:${port}: errno ${-handle}`);
  const name = {} as AddressInfo;
  handle.getsockname(name);
  return { handle, port: name.port };
}

/** Copies handles through a child process. */
export class HandleEcho {
  readonly #child = fork(fileURLToPath(import.meta.url), ["echo"]);
  #copies = 0;

  /** A second handle on the same socket. */
  async copy(handle: BoundHandle): Promise<BoundHandle> {
    const number = ++this.#copies;
    const copied = new Promise<BoundHandle>((resolve) => {
      const listen = (message: unknown, copy: unknown): void => {
        if (message !== number) return;
        this.#child.off("message", listen);
        resolve(copy as BoundHandle);
      };
      this.#child.on("message", listen);
    });
    this.#child.send(number, handle as unknown as SendHandle);
    return copied;
  }

  async close(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, "exit");
  }
}

if (process.argv[2] === "echo" && process.send) {
  process.on("message", (message, handle) => {
    process.send?.(message, handle, undefined, () => (handle as unknown as BoundHandle).close());
  });
}
