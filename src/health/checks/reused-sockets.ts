/**
 * TCP sockets that are used for one connection after the other. Making one is a seventh of the processor time of an HTTP check,
 * and what it consists of outlives two collections of young garbage: thousands of checks a second filled the old generation,
 * and each collection of that held commands up (docs/performance.md). node:net lets a socket connect again once it has emitted
 * 'close'; here only one that had nothing unusual about its last connection does.
 */
import { Socket } from "node:net";

/** Sockets kept for the next connection. More are open only while more checks run at once. */
const IDLE_LIMIT = 256;

/** What happens on a connection; told until it is closed. */
export interface ConnectionEvents {
  connected(): void;
  received(chunk: Buffer): void;
  /** The other side has ended, or the connection is closed. */
  ended(): void;
  failed(error: NodeJS.ErrnoException): void;
}

/** Tells the events of a socket to whoever has its connection. */
class ReusedSocket extends Socket {
  #events: ConnectionEvents | undefined;
  #hasConnected = false;

  constructor(onClose: (socket: ReusedSocket) => void) {
    super();
    this.on("connect", () => {
      this.#hasConnected = true;
      this.#events?.connected();
    });
    this.on("data", (chunk: Buffer) => this.#events?.received(chunk));
    this.on("end", () => this.#events?.ended());
    this.on("error", (error) => this.#events?.failed(error));
    this.on("close", () => {
      this.#events?.ended();
      this.#events = undefined;
      onClose(this);
    });
  }

  /** Begins to connect, for the next one who wants to hear of it. */
  begin(host: string, port: number, events: ConnectionEvents): this {
    this.#events = events;
    this.#hasConnected = false;
    return this.connect({ host, port });
  }

  /** Connected, nothing left to read or to write, no side ended in order, not paused: as a new one, but for having been used. */
  get isLikeNew(): boolean {
    return (
      this.#hasConnected &&
      this.errored === null &&
      this.readableLength === 0 &&
      this.writableLength === 0 &&
      !this.readableEnded &&
      !this.writableEnded &&
      !this.isPaused()
    );
  }
}

/** Keeps closed sockets for the next connections. */
export class ReusedSockets {
  readonly #idle: ReusedSocket[] = [];

  /** Begins to connect. The connection ends with the socket's `destroy` or `resetAndDestroy`, as always. */
  connect(host: string, port: number, events: ConnectionEvents): Socket {
    const socket = this.#idle.pop() ?? new ReusedSocket((closed) => this.#keep(closed));
    return socket.begin(host, port, events);
  }

  #keep(socket: ReusedSocket): void {
    if (socket.isLikeNew && this.#idle.length < IDLE_LIMIT) this.#idle.push(socket);
  }
}
