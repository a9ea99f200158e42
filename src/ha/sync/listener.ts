/** Takes the connections of peers: few that have not proven themselves yet, and one of each peer that has. */
import { createServer, type Server, type Socket } from "node:net";
import { type Endpoint, formatEndpoint } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import type { CancelTimer } from "../timers.js";
import { type ConnectionObserver, SyncConnection, type SyncParts } from "./connection.js";

/** Connections without a proof at once, in all and of one address; more are closed as they come. */
const MAX_UNPROVEN = 64;
const MAX_UNPROVEN_EACH = 4;
/** Peers at once: heartbeat and VRRP are for fewer. */
const MAX_PEERS = 16;
/** After a failure to listen: the address may come later, as at boot. */
const RETRY_MS = 2000;

/** See the file's head. */
export class SyncListener {
  readonly #endpoint: Endpoint;
  readonly #parts: SyncParts;
  readonly #observer: ConnectionObserver;
  readonly #logger: Logger;
  /** By connection: the address that it comes from. */
  readonly #unproven = new Map<SyncConnection, string>();
  readonly #proven = new Map<string, SyncConnection>();
  #server: Server | undefined;
  #failure: string | undefined;
  #cancelRetry: CancelTimer = () => {};

  constructor(endpoint: Endpoint, parts: SyncParts, observer: ConnectionObserver, logger: Logger) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#observer = observer;
    this.#logger = logger;
  }

  /** Why it does not listen now; undefined: it does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Connections of peers that have proven themselves. */
  get connections(): SyncConnection[] {
    return [...this.#proven.values()];
  }

  start(): void {
    const { address, port } = this.#endpoint;
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    server.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    server.listen({ host: address, port, exclusive: true }, () => {
      this.#failure = undefined;
      this.#logger.info({ listen: formatEndpoint(this.#endpoint) }, "peers are awaited");
    });
  }

  stop(): void {
    this.#cancelRetry();
    this.#server?.close();
    for (const connection of [...this.#unproven.keys(), ...this.#proven.values()]) {
      connection.close("this director stops");
    }
  }

  #failed(error: NodeJS.ErrnoException): void {
    const failure = `${formatEndpoint(this.#endpoint)} cannot be listened on: ${error.code ?? error.message}`;
    if (failure !== this.#failure)
      this.#logger.error({}, `peers cannot connect: ha.sync.listen: ${failure}; tried again`);
    this.#failure = failure;
    this.#server?.close();
    this.#cancelRetry();
    this.#cancelRetry = this.#parts.timers.after(RETRY_MS, () => this.start());
  }

  #accept(socket: Socket): void {
    const { remoteAddress = "::", remotePort = 0 } = socket;
    const ofThis = [...this.#unproven.values()].filter((address) => address === remoteAddress).length;
    if (ofThis >= MAX_UNPROVEN_EACH || this.#unproven.size >= MAX_UNPROVEN) {
      socket.destroy();
      return;
    }
    const remote = formatEndpoint({ address: remoteAddress, port: remotePort });
    const connection = new SyncConnection("acceptor", socket, remote, this.#parts, {
      opened: (opened) => this.#opened(opened),
      message: (from, message) => this.#observer.message(from, message),
      closed: (closed, error) => this.#closed(closed, error),
    });
    this.#unproven.set(connection, remoteAddress);
  }

  #opened(connection: SyncConnection): void {
    this.#unproven.delete(connection);
    // A peer that comes anew has lost the connection that it had, whether or not this end knows it yet.
    this.#proven.get(connection.peer)?.close("the peer has connected anew");
    if (this.#proven.size >= MAX_PEERS)
      throw new UvsError("TOO_MANY", `${MAX_PEERS} peers are connected already`);
    this.#proven.set(connection.peer, connection);
    this.#observer.opened(connection);
  }

  #closed(connection: SyncConnection, error: UvsError): void {
    this.#unproven.delete(connection);
    if (this.#proven.get(connection.peer) === connection) this.#proven.delete(connection.peer);
    this.#observer.closed(connection, error);
  }
}
