/**
 * One TCP connection between two directors: TLS where it is configured, handshake, then messages both ways until it ends. It is bounded in every
 * direction: a handshake has a deadline, a frame a longest length, a peer that says nothing is dead after a while, and one
 * that does not take what it is sent is left: whoever sends starts anew with the next connection and owes it nothing.
 */
import type { Socket } from "node:net";
import { UvsError } from "../../core/errors.js";
import type { CancelTimer, Timers } from "../timers.js";
import type { SyncCounters } from "./counters.js";
import { FrameReader, frame } from "./frames.js";
import { Handshake, type HandshakeRole, MAX_GREETING_BYTES } from "./handshake.js";
import type { LinkTls } from "./link-tls.js";
import { isTlsRecord, PEER_WITH_TLS, type RefusalWord, readRefusal, refusalBody } from "./refusal.js";
import { Seal, type SyncMessage } from "./seal.js";

/** From connecting to the peer's proof. */
const HANDSHAKE_MS = 5000;
/** Something is sent at least so often. */
const PING_MS = 1000;
/** A peer of which nothing has come for so long is taken for dead. */
const SILENCE_MS = 5000;
/** The longest message; a batch of templates has about fifty thousand bytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** What may wait for a peer to take it. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** How long an orderly end may take. */
const FAREWELL_MS = 1000;

/** What both ends of the links of one director have in common. */
export interface SyncParts {
  /** What this director is called. */
  readonly node: string;
  readonly key: Buffer;
  /** Undefined: nothing is encrypted. */
  readonly tls?: LinkTls;
  readonly timers: Timers;
  readonly counters: SyncCounters;
}

/** Who is told what happens on a connection. */
export interface ConnectionObserver {
  /** The peer has proven itself; messages follow. */
  opened(connection: SyncConnection): void;
  /** @throws UvsError INVALID where the message makes no sense; the connection ends then */
  message(connection: SyncConnection, message: SyncMessage): void;
  /** It has ended. Told once, last of all, also where it never opened. */
  closed(connection: SyncConnection, error: UvsError): void;
}

/** See the file's head. */
export class SyncConnection {
  /** Address and port of the other end. */
  readonly remote: string;
  /** What is written to: the connection itself, or TLS around it. */
  #socket: Socket;
  readonly #parts: SyncParts;
  readonly #observer: ConnectionObserver;
  readonly #reader = new FrameReader(MAX_GREETING_BYTES);
  readonly #handshake: Handshake;
  #seal: Seal | undefined;
  #peer = "";
  #cancelDeadline: CancelTimer = () => {};
  #cancelPing: CancelTimer = () => {};
  #heardMs: number;
  #hasHeard = false;
  #isClosed = false;

  constructor(
    role: HandshakeRole,
    socket: Socket,
    remote: string,
    parts: SyncParts,
    observer: ConnectionObserver,
  ) {
    this.remote = remote;
    this.#socket = socket;
    this.#parts = parts;
    this.#observer = observer;
    this.#handshake = new Handshake(role, parts.node, parts.key);
    this.#heardMs = parts.timers.nowMs();
    socket.setNoDelay(true);
    socket.on("error", (error: NodeJS.ErrnoException) => this.#end(network(error)));
    socket.on("close", () => this.#end(this.#ended()));
    if (parts.tls !== undefined) {
      parts.tls.secure(role, socket, {
        secured: (secured) => this.#begin(role, secured),
        refused: (error, told) => this.#refuse(error, told),
      });
    } else if (role === "dialer") {
      socket.once("connect", () => this.#begin(role, socket));
    } else {
      this.#begin(role, socket);
    }
    this.#cancelDeadline = parts.timers.after(HANDSHAKE_MS, () => {
      this.#end(new UvsError("UNAVAILABLE", `no proof of the key within ${HANDSHAKE_MS} ms`));
    });
  }

  /** What the peer is called; empty until it has proven itself. */
  get peer(): string {
    return this.#peer;
  }

  get isOpen(): boolean {
    return this.#seal !== undefined && !this.#isClosed;
  }

  /** What waits for the peer to take it. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends a message, or ends the connection where the peer has not taken earlier ones. */
  send(message: SyncMessage): void {
    if (this.#seal === undefined || this.#isClosed) return;
    if (this.#socket.writableLength > MAX_BACKLOG_BYTES) {
      this.#parts.counters.slowPeers++;
      this.#end(
        new UvsError(
          "UNAVAILABLE",
          `the peer does not take what it is sent (${MAX_BACKLOG_BYTES} bytes wait)`,
        ),
      );
      return;
    }
    this.#parts.counters.messagesSent++;
    this.#write(this.#seal.close(message));
  }

  /** Ends it; what was sent before goes out, where the peer takes it soon. */
  close(reason: string): void {
    this.#end(new UvsError("UNAVAILABLE", reason), true);
  }

  /** The bytes from here on are those of the handshake. */
  #begin(role: HandshakeRole, socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    if (socket !== this.#socket) {
      socket.on("error", (error: NodeJS.ErrnoException) => this.#end(network(error)));
      socket.on("close", () => this.#end(this.#ended()));
      this.#socket = socket;
    }
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    if (role === "dialer") this.#write([this.#handshake.greeting()]);
  }

  /** Ends it before the handshake, and tells the peer why where that is possible. */
  #refuse(error: UvsError, told?: { readonly word: RefusalWord; readonly socket: Socket }): void {
    if (this.#isClosed) return;
    if (error.code === "PERMISSION") this.#parts.counters.refusedTls++;
    if (told !== undefined) {
      this.#socket = told.socket.on("error", () => {});
      this.#write([refusalBody(told.word)]);
    }
    this.#end(error, told !== undefined);
  }

  #received(chunk: Buffer): void {
    this.#parts.counters.bytesReceived += chunk.length;
    this.#heardMs = this.#parts.timers.nowMs();
    const isFirst = !this.#hasHeard;
    this.#hasHeard = true;
    if (isFirst && this.#parts.tls === undefined && isTlsRecord(chunk)) {
      this.#refuse(new UvsError("PERMISSION", PEER_WITH_TLS), { word: "no-tls", socket: this.#socket });
      return;
    }
    this.#reader.push(chunk);
    try {
      for (let body = this.#reader.next(); body !== undefined; body = this.#reader.next()) {
        if (this.#seal === undefined) this.#shake(body);
        else this.#deliver(this.#seal.open(body));
        if (this.#isClosed) return;
      }
    } catch (error) {
      const failure = UvsError.from(error);
      if (failure.code === "PERMISSION") this.#parts.counters.refusedKeys++;
      else this.#parts.counters.refusedMessages++;
      this.#end(failure);
    }
  }

  #shake(body: Buffer): void {
    const refused = readRefusal(body);
    if (refused !== undefined) {
      this.#refuse(new UvsError("PERMISSION", refused));
      return;
    }
    const { reply, done } = this.#handshake.receive(body);
    if (reply !== undefined) this.#write(reply);
    if (done === undefined) return;
    this.#peer = done.peer;
    this.#seal = new Seal(done.keys);
    this.#reader.limit = MAX_MESSAGE_BYTES;
    this.#cancelDeadline();
    this.#parts.counters.connects++;
    this.#ping();
    this.#observer.opened(this);
  }

  #deliver(message: SyncMessage): void {
    this.#parts.counters.messagesReceived++;
    if (message.kind !== "ping") this.#observer.message(this, message);
  }

  #ping(): void {
    const silentMs = this.#parts.timers.nowMs() - this.#heardMs;
    if (silentMs >= SILENCE_MS) {
      this.#parts.counters.silentPeers++;
      this.#end(new UvsError("UNAVAILABLE", `nothing came from the peer for ${Math.round(silentMs)} ms`));
      return;
    }
    this.send({ kind: "ping" });
    if (!this.#isClosed) this.#cancelPing = this.#parts.timers.after(PING_MS, () => this.#ping());
  }

  #write(parts: readonly Uint8Array[]): void {
    const bytes = frame(...parts);
    this.#parts.counters.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  /** Why the socket was closed by the peer. */
  #ended(): UvsError {
    if (this.#seal !== undefined) return new UvsError("UNAVAILABLE", "the peer has ended the connection");
    return new UvsError(
      "UNAVAILABLE",
      "the peer has ended the connection before it proved anything: its log says why (another key, most often)",
    );
  }

  #end(error: UvsError, isOrderly = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelDeadline();
    this.#cancelPing();
    if (this.#seal !== undefined) this.#parts.counters.disconnects++;
    if (isOrderly) {
      this.#socket.end();
      const cancel = this.#parts.timers.after(FAREWELL_MS, () => this.#socket.destroy());
      this.#socket.once("close", cancel);
    } else {
      this.#socket.destroy();
    }
    this.#observer.closed(this, error);
  }
}

function network(error: NodeJS.ErrnoException): UvsError {
  return new UvsError("UNAVAILABLE", `${error.syscall ?? "socket"}: ${error.code ?? error.message}`);
}
