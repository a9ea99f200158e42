/**
 * Sends whole Ethernet frames on one interface (packet(7)), and receives none.
 *
 * | byte | struct sockaddr_ll (20) |
 * |---|---|
 * | 0 | AF_PACKET, host order, 2 bytes |
 * | 2 | protocol, network order, 2 bytes |
 * | 4 | interface index, 4 bytes |
 * | 8 | hardware type, 2 bytes |
 * | 10 | packet type |
 * | 11 | length of the address |
 * | 12 | address, 8 bytes |
 */
import { UvsError } from "../../core/errors.js";
import type { Libc } from "./libc.js";
import { AF_PACKET, errnoName, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW } from "./linux.js";
import { rawSocketError } from "./raw-socket-error.js";

const SOCKADDR_BYTES = 20;
const FRAME_BYTES = 2048;
const ETHERNET_ADDRESS_BYTES = 6;

/** See the file's head. */
export class FrameSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #interface: string;
  readonly #index: number;
  readonly #view: DataView;
  readonly #sockaddr: number;
  readonly #frame: Uint8Array;
  readonly #frameAddress: number;

  /** @throws UvsError PERMISSION, SYSCALL, or UNSUPPORTED where the interface has no Ethernet address */
  constructor(libc: Libc, interfaceName: string) {
    const index = libc.interfaceIndex(interfaceName);
    if (index < 0) throw rawSocketError("if_nametoindex", index, interfaceName);
    // Protocol 0: sends, receives nothing.
    const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) throw rawSocketError("socket(AF_PACKET)", fd, interfaceName);
    const memory = libc.allocate(SOCKADDR_BYTES + 4 + FRAME_BYTES);
    const view = new DataView(memory.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setInt32(4, index, true);
    this.#libc = libc;
    this.#fd = fd;
    this.#interface = interfaceName;
    this.#index = index;
    this.#view = view;
    this.#sockaddr = memory.address;
    this.#frame = new Uint8Array(memory.buffer, SOCKADDR_BYTES + 4);
    this.#frameAddress = memory.address + SOCKADDR_BYTES + 4;
    try {
      const bound = libc.bind(fd, memory.address, SOCKADDR_BYTES);
      if (bound < 0) throw rawSocketError("bind", bound, interfaceName);
      this.#name();
      if (view.getUint8(11) !== ETHERNET_ADDRESS_BYTES) {
        throw new UvsError("UNSUPPORTED", `${interfaceName} has no Ethernet address to announce`, {
          side: "system",
          details: { interface: interfaceName },
        });
      }
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  /** Whether the name is still that of the same interface. */
  get isCurrent(): boolean {
    return this.#libc.interfaceIndex(this.#interface) === this.#index;
  }

  /** The interface's own hardware address as it is now, 6 bytes: that of a bond may change. */
  get hardwareAddress(): Uint8Array {
    this.#name();
    return new Uint8Array(this.#view.buffer, 12, ETHERNET_ADDRESS_BYTES).slice();
  }

  /** @returns undefined, or the name of the errno why it was not sent */
  send(frame: Uint8Array): string | undefined {
    if (frame.length > FRAME_BYTES) return "EMSGSIZE";
    this.#frame.set(frame);
    const sent = this.#libc.sendTo(
      this.#fd,
      this.#frameAddress,
      frame.length,
      MSG_DONTWAIT,
      this.#sockaddr,
      SOCKADDR_BYTES,
    );
    return sent < 0 ? errnoName(-sent) : undefined;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  /** Has the kernel write interface and hardware address into the sockaddr. @throws UvsError SYSCALL */
  #name(): void {
    this.#view.setInt32(SOCKADDR_BYTES, SOCKADDR_BYTES, true);
    const named = this.#libc.getsockname(this.#fd, this.#sockaddr, this.#sockaddr + SOCKADDR_BYTES);
    if (named < 0) throw rawSocketError("getsockname", named, this.#interface);
  }
}
