/**
 * A conversation with a realserver over TCP or TLS, for checks of every protocol: connect, write, read a line, some bytes
 * or whatever comes, all within the probe's deadline and with bounded memory. Reads are asked for one at a time; what
 * comes unasked is kept up to BUFFER_LIMIT, beyond which the socket is not read from.
 *
 * Failures are thrown as CheckFailure with the layer that was reached: L4 until connected, L6 until the TLS handshake is
 * done, L7 afterwards.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, TLSSocket } from "node:tls";
import { ownHeader } from "../../core/proxy-protocol/header-writer.js";
import { CheckFailure, type Probe, type ResultCode } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { failureOf } from "../failure.js";
import { type ConnectionEvents, ReusedSockets } from "./reused-sockets.js";
import { checkExpiry, type PreparedTls, tlsFailure } from "./tls-options.js";

/** Bytes kept that nobody has asked for yet. */
const BUFFER_LIMIT = 64 * 1024;
/** Longest line, as in SMTP and the protocols like it. */
const LINE_LIMIT = 4096;
/** How long saying the end of TLS may take. */
const CLOSE_TIMEOUT_MS = 1000;
const LF = 10;
const EMPTY = Buffer.alloc(0);

/** Of all checks: whichever ends leaves its socket to the next one. */
const sockets = new ReusedSockets();

type Layer = 4 | 6 | 7;
const TIMEOUTS: Readonly<Record<Layer, readonly [ResultCode, string]>> = {
  4: ["L4TOUT", "while connecting"],
  6: ["L6TOUT", "during the TLS handshake"],
  7: ["L7TOUT", "while waiting for the answer"],
};

/**
 * Connects to the probe's target, holds the conversation, and lets go of the connection whatever happens.
 * @param tls with it the conversation is over TLS from the start
 * @throws CheckFailure of connecting, of the handshake, or whatever `talk` throws
 */
export async function converse<T>(
  probe: Probe,
  tls: PreparedTls | undefined,
  talk: (dialogue: Dialogue) => T | Promise<T>,
): Promise<T> {
  const dialogue = new Dialogue(probe);
  try {
    await dialogue.connect(tls);
    return await talk(dialogue);
  } finally {
    dialogue.close();
  }
}

/** One connection to a realserver. Made by `converse`. */
export class Dialogue {
  readonly #probe: Probe;
  #socket!: Socket;
  #layer: Layer = 4;
  #buffer: Buffer = EMPTY;
  #hasEnded = false;
  #writes = 0;
  #failure: CheckFailure | undefined;
  #wake: (() => void) | undefined;
  readonly #events: ConnectionEvents = {
    connected: () => this.#wakeUp(),
    received: (chunk) => this.#onData(chunk),
    ended: () => this.#onEnd(),
    failed: (error) => this.#fail(this.#failureOf(error)),
  };
  readonly #onAbort = (): void => {
    const [code, phase] = TIMEOUTS[this.#layer];
    this.#fail(new CheckFailure(code, `timed out after ${this.#probe.timeoutMs} ms ${phase}`));
    this.#letGo();
  };

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** The connected socket, for what is not offered here. A TLSSocket under TLS. */
  get socket(): Socket {
    return this.#socket;
  }

  /** Whether the realserver has ended its side and everything was read. */
  get hasEnded(): boolean {
    return this.#hasEnded && this.#buffer.length === 0;
  }

  /** Connects; called once, by `converse`. @throws CheckFailure */
  async connect(tls: PreparedTls | undefined): Promise<void> {
    const { target, signal, proxyProtocol } = this.#probe;
    const { address, port } = target;
    if (tls === undefined) {
      this.#socket = sockets.connect(address, port, this.#events);
    } else {
      // TLS reads from it without asking it: it is not used again.
      this.#socket = connectTcp({ host: address, port });
      this.#follow("connect");
    }
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
    await this.#next();
    this.#layer = 7;
    if (proxyProtocol !== undefined) this.write(ownHeader(proxyProtocol));
    if (tls !== undefined) await this.startTls(tls);
  }

  /**
   * Goes on under TLS, from the start or after a STARTTLS. What was read already must have been taken.
   * @throws CheckFailure L6RSP, L6TOUT
   */
  async startTls(tls: PreparedTls): Promise<void> {
    const { target } = this.#probe;
    const plain = this.#socket;
    plain.setNoDelay(true);
    plain.removeAllListeners("data");
    plain.removeAllListeners("end");
    // Nor is it used again.
    plain.removeAllListeners("close");
    this.#layer = 6;
    const name = tls.verifyName ?? tls.sni ?? target.address;
    const socket = connectTls({
      socket: plain,
      servername: tls.sni ?? "",
      secureContext: tls.secureContext,
      rejectUnauthorized: tls.verify ?? false,
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    });
    this.#socket = socket;
    this.#follow("secureConnect");
    await this.#next();
    if (tls.minimumDays) checkExpiry(socket, tls.minimumDays);
    this.#layer = 7;
    this.#listen();
  }

  /** Sends; text is UTF-8. */
  write(data: string | Uint8Array): void {
    if (this.#socket.destroyed) return;
    // Nagle's algorithm delays no first write: probes that have one only are spared the system call.
    if (++this.#writes === 2) this.#socket.setNoDelay(true);
    this.#socket.write(data);
  }

  /** Ends our side: the realserver sees the end of what we say, and we go on reading. */
  end(): void {
    this.#socket.end();
  }

  /**
   * Whatever comes next, at least one byte; undefined at the end.
   * @throws CheckFailure L7TOUT, or how the connection broke
   */
  async read(): Promise<Buffer | undefined> {
    if (this.#buffer.length === 0 && !this.#hasEnded) await this.#more();
    return this.#buffer.length === 0 ? undefined : this.#take(this.#buffer.length);
  }

  /**
   * The next `size` bytes.
   * @throws CheckFailure L7RSP where the connection ends before; L7TOUT
   */
  async readExactly(size: number): Promise<Buffer> {
    while (this.#buffer.length < size) {
      if (this.#hasEnded) throw new CheckFailure("L7RSP", `connection closed after ${excerpt(this.#buffer)}`);
      await this.#more();
    }
    return this.#take(size);
  }

  /**
   * The next line without its line end (LF or CRLF), bytes as Latin-1.
   * @throws CheckFailure L7RSP where the connection ends before, or the line is longer than `limit` bytes; L7TOUT
   */
  async readLine(limit = LINE_LIMIT): Promise<string> {
    for (let from = 0; ; ) {
      const end = this.#buffer.indexOf(LF, from);
      if (end >= 0 && end <= limit) {
        const line = this.#take(end + 1).toString("latin1", 0, end);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      if (end > limit || this.#buffer.length > limit) {
        throw new CheckFailure("L7RSP", `line of more than ${limit} bytes: ${excerpt(this.#buffer)}`);
      }
      if (this.#hasEnded) throw new CheckFailure("L7RSP", `connection closed after ${excerpt(this.#buffer)}`);
      from = this.#buffer.length;
      await this.#more();
    }
  }

  /** Gives bytes back that were read too many: the next read begins with them. */
  unread(bytes: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([bytes, this.#buffer]);
  }

  /** Lets go of the connection: by a reset, which leaves no TIME_WAIT behind (reference: recipes, TCP), or TLS's own end. */
  close(): void {
    this.#probe.signal.removeEventListener("abort", this.#onAbort);
    const socket = this.#socket;
    if (socket instanceof TLSSocket && this.#layer === 7 && this.#failure === undefined) {
      // The end of the handshake may still wait to be sent: cut off, it would be an error in the realserver's log.
      socket.setTimeout(CLOSE_TIMEOUT_MS, () => socket.destroy());
      socket.destroySoon();
    } else {
      this.#letGo();
    }
  }

  #letGo(): void {
    const socket = this.#socket;
    // Before it is connected a reset would wait for that; TLS has none.
    if (this.#hasEnded || this.#layer === 4 || socket instanceof TLSSocket) socket.destroy();
    else if (!socket.destroyed) socket.resetAndDestroy();
  }

  /** Hears of a socket of its own. @param ready the event after which the conversation goes on */
  #follow(ready: "connect" | "secureConnect"): void {
    const { connected, failed } = this.#events;
    this.#socket.on(ready, connected).on("error", failed);
  }

  #listen(): void {
    const { received, ended } = this.#events;
    this.#socket.on("data", received).on("end", ended).on("close", ended);
  }

  #onData(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    if (this.#buffer.length > BUFFER_LIMIT && this.#wake === undefined) this.#socket.pause();
    this.#wakeUp();
  }

  #onEnd(): void {
    this.#hasEnded = true;
    this.#wakeUp();
  }

  #failureOf(error: NodeJS.ErrnoException): CheckFailure {
    if (this.#layer === 6) return tlsFailure(error);
    const { code, reason } = failureOf(error);
    return new CheckFailure(this.#layer === 7 && code === "L4CON" ? "L7RSP" : code, reason);
  }

  #fail(failure: CheckFailure): void {
    this.#failure ??= failure;
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Waits for data, the end or a failure, which is thrown. */
  async #more(): Promise<void> {
    if (this.#failure === undefined && this.#socket.isPaused()) this.#socket.resume();
    await this.#next();
  }

  /** Waits for whatever happens next; a failure is thrown. */
  async #next(): Promise<void> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #take(size: number): Buffer {
    const taken = this.#buffer.subarray(0, size);
    this.#buffer = size === this.#buffer.length ? EMPTY : this.#buffer.subarray(size);
    return taken;
  }
}
