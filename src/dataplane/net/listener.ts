/** A listening socket of the `net` plane: a net.Server on the handle or descriptor that the forwarder handed over. */
import { createServer, type Server, Socket } from "node:net";
import type { ListenerSpec } from "../dataplane.js";

/** `listen(2)` again on a socket sets its backlog anew: leave it at what the kernel allows (net.core.somaxconn). */
const BACKLOG = 65_535;

/** What a listener tells its plane. */
export interface ListenerHost {
  accepted(listener: NetListener, client: Socket): void;
  /** It could not listen (`code` LISTEN), or accepting failed for want of descriptors or memory. */
  failed(listener: NetListener, error: NodeJS.ErrnoException): void;
}

/** Accepts from when it is constructed until it is closed. */
export class NetListener {
  readonly spec: ListenerSpec;
  readonly #server: Server;
  #acceptedLately = false;
  #isFinishing = false;

  /** @throws an error with code and message where the descriptor is no socket */
  constructor(spec: ListenerSpec, host: ListenerHost) {
    this.spec = spec;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.#acceptedLately = true;
      host.accepted(this, client);
    });
    this.#server.on("error", (error) => host.failed(this, error));
    // In a cluster worker `listen({ fd })` would mean a descriptor of the primary; a handle is always one's own.
    const handle = spec.handle ?? new Socket({ fd: spec.fd, readable: false, writable: false });
    this.#server.listen(handle, BACKLOG);
  }

  /** It takes what is queued, and is not wanted after that. */
  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  /** Closes this copy of the socket; what is queued waits for whoever else listens on it. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Accepts what is queued, then closes. @param closed called then */
  finish(closed: () => void): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    // libuv accepts one connection, or a few, each time it polls. The first turn may be one that began before.
    let quietTurns = 0;
    const turn = (): void => {
      quietTurns = this.#acceptedLately ? 0 : quietTurns + 1;
      this.#acceptedLately = false;
      if (quietTurns < 2 && this.#server.listening) {
        setImmediate(turn);
        return;
      }
      this.close();
      closed();
    };
    setImmediate(turn);
  }
}
