/**
 * One proxied connection of the `net` plane: a client socket, the realserver's once there is one, and the numbers that
 * its record needs. Bytes go from one socket to the other as `pipe()` would carry them, without its listeners per pipe:
 * all connections share the handler functions at the end of this file.
 */
import { connect, type Socket } from "node:net";
import { formatIp, parseIp } from "../../core/address.js";
import { systemClock } from "../../core/clock.js";
import type { ListenerSpec } from "../dataplane.js";
import { type Dispatcher, Ending, type EndingValue, MAX_TRIED, Verdict } from "../dispatcher.js";
import type { PlaneEventName } from "../events.js";
import type { EndReasonName } from "../records.js";
import { endedByReset, reset } from "./socket.js";

/** What a connection asks of its plane. */
export interface ConnectionHost {
  readonly dispatcher: Dispatcher;
  count(event: PlaneEventName): void;
  /** Adds payload bytes of a realserver slot. */
  addBytes(server: number, inBytes: number, outBytes: number): void;
  trouble(code: string, message: string): void;
  /** Called once, when everything about the connection is known. */
  ended(connection: NetConnection, end: EndReasonName): void;
}

type Words = readonly [number, number, number, number];

const UNKNOWN_ADDRESS: Words = [0, 0, 0, 0];

/** See the file's head. The plane reads the public fields when it writes the record. */
export class NetConnection {
  readonly service: number;
  readonly family: number;
  readonly clientWords: Words;
  readonly clientPort: number;
  readonly destinationWords: Words;
  readonly destinationPort: number;
  readonly startMs = Date.now();
  /** As `performance.now()`. */
  readonly acceptedAt = performance.now();
  /** From accept to connected, ms; -1 before. */
  connectMs = -1;
  /** Realserver slot or Verdict. */
  server: number = Verdict.NO_SERVER;
  /** Realservers tried in vain. */
  retries = 0;
  inBytes = 0;
  outBytes = 0;

  readonly client: Socket;
  realserver: Socket | undefined;
  readonly #host: ConnectionHost;
  #tried: Int32Array | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #isDispatched = false;
  #isActive = false;
  #isEnded = false;
  #firstFin: "client" | "realserver" | undefined;
  #closedSockets = 0;
  /** Bytes added to the realserver's counters so far. */
  #countedIn = 0;
  #countedOut = 0;
  /** When the last sweep saw that a byte had moved. */
  #quietSince = 0;

  constructor(host: ConnectionHost, listener: ListenerSpec, client: Socket) {
    this.#host = host;
    this.service = listener.service;
    this.family = listener.family;
    this.client = client;
    this.clientWords = wordsOf(client.remoteAddress);
    this.clientPort = client.remotePort ?? 0;
    const isWildcard = listener.address.every((word) => word === 0);
    this.destinationWords = isWildcard ? wordsOf(client.localAddress) : listener.address;
    this.destinationPort = listener.port;
    bind(client, this).on("error", onClientError).on("close", onClose);
  }

  get isConnected(): boolean {
    return this.connectMs >= 0;
  }

  /** Asks where the connection goes and connects. Until then the client's bytes wait in its socket's buffer. */
  start(): void {
    if (this.clientWords === UNKNOWN_ADDRESS) {
      // It was reset while it waited to be accepted: the socket has no peer any longer.
      this.#end("clientGone");
      return;
    }
    this.#describe();
    this.#follow(this.#host.dispatcher.dispatch(this.service));
  }

  /** Resets both sides, for the operator. */
  kill(): void {
    if (this.#isEnded) return;
    this.#host.count("killed");
    this.#abort("killed");
  }

  /** Counts the bytes that have moved, and ends what has been quiet for too long. @param now `performance.now()` */
  sweep(now: number, idleMs: number, finMs: number): void {
    if (!this.isConnected) return;
    if (this.#countBytes()) this.#quietSince = now;
    if (now - this.#quietSince < (this.#firstFin ? finMs : idleMs)) return;
    const reason = this.#firstFin ? "finTimeout" : "idleTimeout";
    this.#host.count(reason);
    this.#abort(reason);
  }

  connected(): void {
    clearTimeout(this.#connectTimer);
    this.#quietSince = performance.now();
    this.connectMs = this.#quietSince - this.acceptedAt;
    if (this.server >= 0) {
      this.#isActive = true;
      this.#host.count("established");
      this.#host.dispatcher.established(this.service, this.server);
    }
    this.realserver?.on("data", onRealserverData).on("end", onRealserverEnd).on("drain", onRealserverDrain);
    this.client.on("data", onClientData).on("end", onClientEnd).on("drain", onClientDrain);
    if (this.client.readableEnded) this.fin("client");
  }

  /** Gives the realserver up and asks for another. */
  connectFailed(event: "connectRefused" | "connectTimedOut" | "connectFailed"): void {
    clearTimeout(this.#connectTimer);
    const failed = this.realserver;
    this.realserver = undefined;
    failed?.destroy();
    this.#host.count(event);
    if (this.server === Verdict.SORRY) {
      this.#end("connectFailed", Ending.UNCONNECTED);
      return;
    }
    // One more than can be redispatched: the last failure too is told.
    this.#tried ??= new Int32Array(MAX_TRIED + 1);
    this.#tried[this.retries++] = this.server;
    this.#describe();
    const server = this.#host.dispatcher.redispatch(this.service, this.#tried, 0, this.retries);
    if (server >= 0) this.#host.count("redispatched");
    this.#follow(server);
  }

  /** End of input from one side: passed on, the other direction goes on. */
  fin(from: "client" | "realserver"): void {
    if (this.#isEnded) return;
    (from === "client" ? this.realserver : this.client)?.end();
    if (this.#firstFin) return;
    this.#firstFin = from;
    this.#quietSince = performance.now();
    if (this.#isActive) {
      this.#isActive = false;
      this.#host.dispatcher.halfClosed(this.service, this.server);
    }
  }

  /** A side is gone without order. */
  wasReset(by: "client" | "realserver"): void {
    if (this.#isEnded) return;
    if (!this.isConnected) {
      this.#abort("clientGone");
      return;
    }
    const reason = by === "client" ? "clientReset" : "realserverReset";
    this.#host.count(reason);
    this.#abort(reason);
  }

  /** A socket has closed: the second of an established connection is the end in order. */
  socketClosed(): void {
    if (++this.#closedSockets === 2) this.#end(this.#firstFin ?? "client", Ending.FINISHED);
  }

  connectTroubled(error: NodeJS.ErrnoException): void {
    const { code = "UNKNOWN", message } = error;
    this.#host.trouble(`connect ${code}`, `${message}: the connection is redispatched`);
  }

  /** Acts on an answer of the dispatcher. */
  #follow(server: number): void {
    this.server = server;
    if (server >= 0 || server === Verdict.SORRY) {
      this.#isDispatched = true;
      if (server === Verdict.SORRY) this.#host.count("sorry");
      this.#connect();
      return;
    }
    this.#isDispatched = false;
    if (this.retries > 0) {
      this.#end("connectFailed");
      return;
    }
    const reason = REFUSALS.get(server) ?? "noServer";
    this.#host.count(reason);
    this.#end(reason);
  }

  #connect(): void {
    const { family, address, port, connectTimeoutMs } = this.#host.dispatcher.target;
    const host = formatIp(family, address[0], address[1], address[2], address[3]);
    this.realserver = bind(connect({ host, port, allowHalfOpen: true, noDelay: true }), this)
      .on("connect", onConnect)
      .on("error", onRealserverError)
      .on("close", onClose);
    this.#connectTimer = setTimeout(onConnectTimeout, connectTimeoutMs, this);
  }

  #describe(): void {
    const { request } = this.#host.dispatcher;
    request.family = this.family;
    request.client.set(this.clientWords);
    request.clientPort = this.clientPort;
    request.destination.set(this.destinationWords);
    request.destinationPort = this.destinationPort;
    request.nowMs = systemClock.nowMs();
  }

  #abort(reason: EndReasonName): void {
    this.#end(reason, this.isConnected ? Ending.RESET : Ending.UNCONNECTED);
  }

  /** @param ending absent where the dispatcher counts nothing for this connection (any longer) */
  #end(reason: EndReasonName, ending?: EndingValue): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#connectTimer);
    reset(this.client);
    if (this.realserver) reset(this.realserver);
    this.#countBytes();
    if (this.#isDispatched && ending !== undefined) {
      this.#describe();
      this.#host.dispatcher.closed(this.service, this.server, this.#isActive, ending);
    }
    this.#host.ended(this, reason);
  }

  /** @returns whether bytes have moved since the last call */
  #countBytes(): boolean {
    const inBytes = this.inBytes - this.#countedIn;
    const outBytes = this.outBytes - this.#countedOut;
    if (inBytes === 0 && outBytes === 0) return false;
    this.#countedIn = this.inBytes;
    this.#countedOut = this.outBytes;
    if (this.server >= 0) this.#host.addBytes(this.server, inBytes, outBytes);
    return true;
  }
}

const REFUSALS: ReadonlyMap<number, "noServer" | "serviceLimit" | "sourceLimit"> = new Map([
  [Verdict.NO_SERVER, "noServer"],
  [Verdict.NO_SERVICE, "noServer"],
  [Verdict.SERVICE_LIMIT, "serviceLimit"],
  [Verdict.SOURCE_LIMIT, "sourceLimit"],
]);

function wordsOf(address: string | undefined): Words {
  return (address && parseIp(address)?.words) || UNKNOWN_ADDRESS;
}

/** A socket that knows its connection. */
interface BoundSocket extends Socket {
  connection: NetConnection;
}

function bind(socket: Socket, connection: NetConnection): BoundSocket {
  return Object.assign(socket, { connection });
}

function onClientData(this: BoundSocket, chunk: Buffer): void {
  const { connection } = this;
  connection.inBytes += chunk.length;
  if (connection.realserver?.write(chunk) === false) this.pause();
}

function onRealserverData(this: BoundSocket, chunk: Buffer): void {
  const { connection } = this;
  connection.outBytes += chunk.length;
  if (!connection.client.write(chunk)) this.pause();
}

function onClientDrain(this: BoundSocket): void {
  this.connection.realserver?.resume();
}

function onRealserverDrain(this: BoundSocket): void {
  this.connection.client.resume();
}

function onClientEnd(this: BoundSocket): void {
  if (endedByReset(this)) this.connection.wasReset("client");
  else this.connection.fin("client");
}

function onRealserverEnd(this: BoundSocket): void {
  if (endedByReset(this)) this.connection.wasReset("realserver");
  else this.connection.fin("realserver");
}

function onClientError(this: BoundSocket): void {
  this.connection.wasReset("client");
}

function onConnect(this: BoundSocket): void {
  this.connection.connected();
}

function onConnectTimeout(connection: NetConnection): void {
  connection.connectFailed("connectTimedOut");
}

function onRealserverError(this: BoundSocket, error: NodeJS.ErrnoException): void {
  const { connection } = this;
  if (this !== connection.realserver) return;
  if (connection.isConnected) {
    connection.wasReset("realserver");
  } else if (error.code === "ECONNREFUSED") {
    connection.connectFailed("connectRefused");
  } else if (error.code === "ETIMEDOUT") {
    connection.connectFailed("connectTimedOut");
  } else {
    connection.connectTroubled(error);
    connection.connectFailed("connectFailed");
  }
}

function onClose(this: BoundSocket): void {
  const { connection } = this;
  if (this === connection.client || this === connection.realserver) connection.socketClosed();
}
