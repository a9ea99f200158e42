/**
 * Sockets for VRRP (protocol 112), for ICMP, and for whole frames (gratuitous ARP, unsolicited neighbour advertisements), as
 * `ha/raw-sockets.ts` wants them. Opening them needs CAP_NET_RAW. One thread watches all of them.
 */
import { EchoSocket, type OnIcmp } from "./echo-socket.js";
import { FdWatcher } from "./fd-watcher.js";
import { FrameSocket } from "./frame-socket.js";
import { InterfaceMonitor } from "./interface-monitor.js";
import type { Libc } from "./libc.js";
import { type RawPacket, VrrpSocket, type VrrpSocketRequest } from "./vrrp-socket.js";

/** See the file's head. */
export class NativeRawSockets {
  readonly #libc: Libc;
  readonly #watcher: FdWatcher;

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
  openFrames(interfaceName: string): FrameSocket {
    return new FrameSocket(this.#libc, interfaceName);
  }

  /** @throws UvsError PERMISSION (CAP_NET_RAW is missing) or SYSCALL */
  openEcho(family: 4 | 6, onIcmp: OnIcmp): EchoSocket {
    return new EchoSocket(this.#libc, this.#watcher, family, onIcmp);
  }

  /** @throws UvsError SYSCALL */
  watchInterfaces(onChange: () => void): InterfaceMonitor {
    return new InterfaceMonitor(this.#libc, this.#watcher, onChange);
  }

  /** Ends the thread; close the sockets first. */
  close(): Promise<void> {
    return this.#watcher.close();
  }
}
