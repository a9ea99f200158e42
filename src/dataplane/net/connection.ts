/**
 * One proxied connection of the `net` plane: a client socket, the realserver's once there is one, and the numbers that
 * its record needs. What the sockets say comes here through wiring.ts, which also carries the bytes.
 */
import { connect, type Socket } from "node:net";
import { formatIp, parseIp } from "../../core/address.js";
import { HeaderFormat } from "../../core/proxy-protocol/format.js";
import type { HeaderParser } from "../../core/proxy-protocol/header-parser.js";
import { ConnectionState } from "../connection-rows.js";
import type { ConnectionFilter, ListenerSpec } from "../dataplane.js";
import { type Dispatcher, Ending, type EndingValue, MAX_TRIED, Opening, Verdict } from "../dispatcher.js";
import type { PlaneEventName } from "../events.js";
import type { EndReasonName } from "../records.js";
import { type HeaderOutcome, NetHeaderReader } from "./header-reader.js";
import { reset } from "./socket.js";
import { startRelay, wireClient, wireRealserver } from "./wiring.js";

/** What a connection asks of its plane. */
export interface ConnectionHost {
  readonly dispatcher: Dispatcher;
  readonly headerParser: HeaderParser;
  /** The PROXY header of the connection that `dispatcher.request` describes. @param format bits of HeaderFormat */
  header(format: number): Uint8Array;
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
  family: number;
  clientWords: Words;
  clientPort: number;
  destinationWords: Words;
  destinationPort: number;
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
  /** While the PROXY header is waited for. */
  #reader: NetHeaderReader | undefined;
  /** What the realserver is sent first. */
  #header: Uint8Array | undefined;
  #isDispatched = false;
  #isActive = false;
  #isEnded = false;
  #firstFin: "client" | "realserver" | undefined;
  #closedSockets = 0;
  /** The dispatcher's mark on this connection. */
  #token = 0;
  #connectDeadline = 0;
  #peer = { host: "", port: 0, family: 4 };
  /** Addresses that connecting from may still be tried. */
  #sourcesLeft = 0;
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
    this.destinationPort = isWildcard ? (client.localPort ?? 0) : listener.port;
    wireClient(client, this);
  }

  get isConnected(): boolean {
    return this.connectMs >= 0;
  }

  /** Asks where the connection goes and connects, maybe after its header. The client's bytes wait in its socket's buffer. */
  start(): void {
    if (this.clientWords === UNKNOWN_ADDRESS) {
      // It was reset while it waited to be accepted: the socket has no peer any longer.
      this.#end("clientGone");
      return;
    }
    this.#describe();
    const { dispatcher, headerParser } = this.#host;
    switch (dispatcher.opening(this.service)) {
      case Opening.HEADER: {
        const { headerTimeoutMs, headerLimit } = dispatcher.target;
        this.#connectDeadline = performance.now() + headerTimeoutMs;
        this.#connectTimer = setTimeout(headerTimedOut, headerTimeoutMs, this);
        this.#reader = new NetHeaderReader(this.client, headerParser, headerLimit, (outcome) =>
          this.#headerDone(outcome),
        );
        break;
      }
      case Opening.REFUSED:
        this.#host.count("proxyRefused");
        this.#end("proxyRefused");
        break;
      default:
        this.#follow(dispatcher.dispatch(this.service));
    }
  }

  headerTimedOut(): void {
    this.#host.count("proxyHeaderTimeout");
    this.#end("proxyHeaderTimeout");
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
    if (now < this.expiresAt(idleMs, finMs)) return;
    const reason = this.#firstFin ? "finTimeout" : "idleTimeout";
    this.#host.count(reason);
    this.#abort(reason);
  }

  /** Whether all that the filter gives agrees with this connection. */
  matches({ service, server, client }: ConnectionFilter): boolean {
    if (service !== undefined && this.service !== service) return false;
    if (server !== undefined && this.server !== server) return false;
    if (client === undefined) return true;
    return client.family === this.family && client.words.every((word, i) => word === this.clientWords[i]);
  }

  /** One of ConnectionState. */
  get state(): number {
    if (this.#reader !== undefined) return ConnectionState.AWAITING_HEADER;
    if (!this.isConnected) return ConnectionState.CONNECTING;
    if (this.#firstFin === undefined) return ConnectionState.ESTABLISHED;
    return this.#firstFin === "client"
      ? ConnectionState.CLIENT_FINISHED
      : ConnectionState.REALSERVER_FINISHED;
  }

  /** When it is ended if nothing happens, as `performance.now()`. */
  expiresAt(idleMs: number, finMs: number): number {
    if (!this.isConnected) return this.#connectDeadline;
    return this.#quietSince + (this.#firstFin ? finMs : idleMs);
  }

  connected(): void {
    clearTimeout(this.#connectTimer);
    this.#quietSince = performance.now();
    this.connectMs = this.#quietSince - this.acceptedAt;
    if (this.server >= 0) {
      this.#isActive = true;
      this.#host.count("established");
      this.#host.dispatcher.request.token = this.#token;
      this.#host.dispatcher.established(this.service, this.server);
    }
    if (this.#header) this.realserver?.write(this.#header);
    if (this.realserver) startRelay(this.client, this.realserver);
  }

  /** Gives the realserver up and asks for another. @param isOwnFault see OWN_FAULTS */
  connectFailed(event: "connectRefused" | "connectTimedOut" | "connectFailed", isOwnFault = false): void {
    clearTimeout(this.#connectTimer);
    const failed = this.realserver;
    this.realserver = undefined;
    failed?.destroy();
    this.#host.count(event);
    if (this.server === Verdict.SORRY) {
      this.#end("connectFailed", Ending.UNCONNECTED);
      return;
    }
    if (!isOwnFault) this.#host.dispatcher.failed(this.server);
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

  /**
   * Connecting failed for no fault of the realserver's.
   * @returns whether it is tried again from another address of the host
   */
  connectTroubled(error: NodeJS.ErrnoException): boolean {
    const { code = "UNKNOWN", message } = error;
    if (this.#sourcesLeft > 0 && (code === "EADDRNOTAVAIL" || code === "EADDRINUSE")) {
      this.#host.count("sourceExhausted");
      this.#host.trouble(
        `source ${code}`,
        `${message}: an address in source is not one of this host, or has no free port; the next one is tried`,
      );
      this.#sourcesLeft--;
      if (this.#sourcesLeft > 0) {
        this.#connectFrom(this.#nextSource());
        return true;
      }
    }
    const advice = ADVICE.get(code) ?? "look at the route to this realserver";
    this.#host.trouble(`connect ${code}`, `${message}: the connection is redispatched; ${advice}`);
    return false;
  }

  #headerDone(outcome: HeaderOutcome): void {
    if (outcome !== "read") {
      const reason = BAD_HEADERS[outcome];
      if (reason !== "clientGone") this.#host.count(reason);
      this.#end(reason);
      return;
    }
    clearTimeout(this.#connectTimer);
    this.#stopReading();
    const { header } = this.#host.headerParser;
    if (header.hasAddresses) {
      this.family = header.family;
      this.clientWords = copyOf(header.client);
      this.clientPort = header.clientPort;
      this.destinationWords = copyOf(header.destination);
      this.destinationPort = header.destinationPort;
    }
    this.#describe();
    this.#follow(this.#host.dispatcher.dispatch(this.service));
  }

  /** The header is not waited for any longer, if it was. */
  #stopReading(): void {
    if (this.#reader === undefined) return;
    this.#reader.stop();
    this.#reader = undefined;
    this.#host.dispatcher.opened(this.service);
  }

  /** Acts on an answer of the dispatcher. */
  #follow(server: number): void {
    this.server = server;
    this.#token = this.#host.dispatcher.target.token;
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
    const { family, address, port, connectTimeoutMs, header, sources } = this.#host.dispatcher.target;
    const host = formatIp(family, address[0], address[1], address[2], address[3]);
    this.#header = header === HeaderFormat.NONE ? undefined : this.#host.header(header);
    this.#peer = { host, port, family };
    this.#sourcesLeft = sources;
    this.#connectFrom(sources > 0 ? this.#nextSource() : undefined);
    this.#connectDeadline = performance.now() + connectTimeoutMs;
    this.#connectTimer = setTimeout(connectTimedOut, connectTimeoutMs, this);
  }

  /** @param localAddress undefined: the host chooses */
  #connectFrom(localAddress: string | undefined): void {
    const { host, port } = this.#peer;
    this.realserver = connect({ host, port, localAddress, allowHalfOpen: true, noDelay: true });
    wireRealserver(this.realserver, this);
  }

  #nextSource(): string {
    const { dispatcher } = this.#host;
    const { target } = dispatcher;
    // The target may have been another connection's meanwhile.
    target.family = this.#peer.family;
    dispatcher.nextSource(this.service);
    const [w0, w1, w2, w3] = target.source;
    return formatIp(target.family, w0, w1, w2, w3);
  }

  #describe(): void {
    const { request } = this.#host.dispatcher;
    request.family = this.family;
    request.client.set(this.clientWords);
    request.clientPort = this.clientPort;
    request.destination.set(this.destinationWords);
    request.destinationPort = this.destinationPort;
    request.token = this.#token;
  }

  #abort(reason: EndReasonName): void {
    this.#end(reason, this.isConnected ? Ending.RESET : Ending.UNCONNECTED);
  }

  /** @param ending absent where the dispatcher counts nothing for this connection (any longer) */
  #end(reason: EndReasonName, ending?: EndingValue): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stopReading();
    clearTimeout(this.#connectTimer);
    this.#countBytes();
    // Counted off before the sockets go: who sees the end and comes back at once finds it counted.
    if (this.#isDispatched && ending !== undefined) {
      this.#describe();
      this.#host.dispatcher.closed(this.service, this.server, this.#isActive, ending);
    }
    reset(this.client);
    if (this.realserver) reset(this.realserver);
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

/** What becomes of a connection whose header is not one. */
const BAD_HEADERS = {
  gone: "clientGone",
  missing: "proxyHeaderMissing",
  invalid: "proxyHeaderInvalid",
} as const satisfies Readonly<Record<string, EndReasonName>>;

const NO_SOURCE_PORT =
  "no source port is free: give the service more addresses (source), or widen net.ipv4.ip_local_port_range";

/** What an operator can do about a connect that failed for no fault of the realserver's. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ["EADDRNOTAVAIL", NO_SOURCE_PORT],
  ["EADDRINUSE", NO_SOURCE_PORT],
  ["EMFILE", "raise the limit of open files (ulimit -n)"],
]);

function wordsOf(address: string | undefined): Words {
  return (address && parseIp(address)?.words) || UNKNOWN_ADDRESS;
}

function copyOf(words: Uint32Array): Words {
  return [words[0], words[1], words[2], words[3]];
}

function headerTimedOut(connection: NetConnection): void {
  connection.headerTimedOut();
}

function connectTimedOut(connection: NetConnection): void {
  connection.connectFailed("connectTimedOut");
}
