/**
 * Sockets for VRRP (protocol 112), for ICMP, and for whole frames (gratuitous ARP, unsolicited neighbour advertisements), as
 * `ha/raw-sockets.ts` wants them. Opening them needs CAP_NET_RAW. One thread watches all of them.
 */
import { EchoSocket, type OnIcmp } from "./echo-socket.js";
import { FdWatcher } from "./fd-watcher.js";
import { FrameSocket } from "./frame-socket.js";
import { InterfaceMonitor, type OnInterfaceChange } from "./interface-monitor.js";
import type { Libc } from "./libc.js";
import { type RawPacket, VrrpSocket, type VrrpSocketRequest } from "./vrrp-socket.js";

/** See the file's head. */
export class NativeRawSockets {
  readonly #libc: Libc;
  readonly #watcher: FdWatcher;
  /** Kept open: the kernel closes such a socket only when no processor looks at a packet any more, which takes milliseconds. */
  readonly #frames = new Map<string, FrameSocket>();

  /**
   * @param onFailure the thread that watches has died and is being replaced
   * @throws UvsError SYSCALL
   */
  constructor(libc: Libc, onFailure: (error: Error) => void) {
    this.#libc = libc;
    this.#watcher = new FdWatcher(libc, onFailure);
  }

  /** Index of an interface; undefined: there is none of that name. */
  interfaceIndex(name: string): number | undefined {
    const index = this.#libc.interfaceIndex(name);
    return index > 0 ? index : undefined;
  }

  /** @throws UvsError PERMISSION (CAP_NET_RAW is missing) or SYSCALL */
  openVrrp(request: VrrpSocketRequest, onPacket: (packet: RawPacket) => void): VrrpSocket {
    return new VrrpSocket(this.#libc, this.#watcher, request, onPacket);
  }

  /** @throws UvsError PERMISSION or SYSCALL, also where the interface is no Ethernet */
  frames(interfaceName: string): FrameSocket {
    const known = this.#frames.get(interfaceName);
    if (known?.isCurrent) return known;
    known?.close();
    this.#frames.delete(interfaceName);
    const made = new FrameSocket(this.#libc, interfaceName);
    this.#frames.set(interfaceName, made);
    return made;
  }

  /** @throws UvsError PERMISSION (CAP_NET_RAW is missing) or SYSCALL */
  openEcho(family: 4 | 6, onIcmp: OnIcmp): EchoSocket {
    return new EchoSocket(this.#libc, this.#watcher, family, onIcmp);
  }

  /** @throws UvsError SYSCALL */
  watchInterfaces(onChange: OnInterfaceChange): InterfaceMonitor {
    return new InterfaceMonitor(this.#libc, this.#watcher, onChange);
  }

  /** Ends the thread; close the sockets first, but those for frames. */
  close(): Promise<void> {
    for (const socket of this.#frames.values()) socket.close();
    this.#frames.clear();
    return this.#watcher.close();
  }
}
