/** A UDP socket of the `net` plane that clients send to: a dgram.Socket on the handle or descriptor that was handed over. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { ListenerSpec } from "../dataplane.js";

/** Receives from when it is constructed until it is closed. */
export class FlowListener {
  readonly spec: ListenerSpec;
  readonly #socket: Socket;
  #isRetired = false;
  #isClosed = false;

  /** @param failed called with what went wrong */
  constructor(
    spec: ListenerSpec,
    received: (listener: FlowListener, datagram: Buffer, client: RemoteInfo) => void,
    failed: (error: Error) => void,
  ) {
    this.spec = spec;
    this.#socket = createSocket(spec.family === 6 ? "udp6" : "udp4");
    this.#socket.on("error", failed);
    this.#socket.on("message", (datagram, client) => {
      if (!this.#isRetired) received(this, datagram, client);
    });
    const { handle } = spec;
    // `bind` takes a handle as well, which its types do not say; exclusive: not by way of the cluster's primary.
    if (handle === undefined) this.#socket.bind({ fd: spec.fd, exclusive: true });
    else (this.#socket as unknown as { bind(handle: object): void }).bind(handle);
  }

  /** Takes no datagram any longer: they wait for whoever else has the socket. Answers still leave by it. */
  retire(): void {
    this.#isRetired = true;
    const { handle } = this.spec as { handle?: { recvStop?(): number } };
    if (!this.#isClosed) handle?.recvStop?.();
  }

  send(answer: Buffer, port: number, address: string, sent: (error: Error | null) => void): void {
    if (!this.#isClosed) this.#socket.send(answer, port, address, sent);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}
