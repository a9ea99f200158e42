/**
 * Clients that never pause while a script of edits runs, and their realservers. A request has failed unless it gets its
 * answer, or its service could not have served it all the while it ran. Some connections are kept for as long as the
 * script runs: those must never break, whatever becomes of their service and realserver.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connectTo, echo, ping } from "../tcp.js";
import { ALL_PORTS, PORT } from "./edit.js";

/** Kept connections in all. */
const MOST_KEPT = 30;
/** One of so many requests is kept. */
const KEPT_ONE_OF = 25;
const PAUSE_MS = 4;
const KEPT_PAUSE_MS = 50;
/** A client gives up after this, which fails the request; nothing here takes long. */
const PATIENCE_MS = 30_000;

/** What the clients saw. */
export interface LoadReport {
  /** Answered requests by address. */
  readonly answered: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
  /** Connections that were kept to the end. */
  readonly kept: number;
}

/** Starts realservers on all ports of these addresses; they end with the test. @returns how many connections they took */
export async function startEchoes(t: TestContext, addresses: readonly string[]): Promise<() => number> {
  let accepted = 0;
  const sockets = new Set<Socket>();
  const start = async (address: string, port: number): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      accepted++;
      sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
      echo(socket);
    });
    server.listen(port, address);
    await once(server, "listening");
    return server;
  };
  const servers = await Promise.all(
    addresses.flatMap((address) => ALL_PORTS.map((port) => start(address, port))),
  );
  t.after(() => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  });
  return () => accepted;
}

/** The clients of all services, one each. */
export class EditLoad {
  readonly #clients: readonly string[];
  readonly #answered = new Map<string, number>();
  readonly #failures: string[] = [];
  /** Addresses that must serve, with a number that changes when that is interrupted. */
  readonly #usable = new Map<string, number>();
  readonly #over = new AbortController();
  readonly #kept: Promise<void>[] = [];
  readonly #loops: Promise<void>[];
  #lastNumber = 0;

  /** @param clients addresses that requests come from */
  constructor(addresses: readonly string[], clients: readonly string[]) {
    this.#clients = clients;
    this.#loops = addresses.map((address) => this.#run(address));
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  get answered(): number {
    return [...this.#answered.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The address need not serve from now on. */
  interrupt(address: string): void {
    this.#usable.delete(address);
  }

  /** The address must serve from now on. */
  expect(address: string): void {
    if (!this.#usable.has(address)) this.#usable.set(address, ++this.#lastNumber);
  }

  /** Lets what runs finish. */
  async stop(): Promise<LoadReport> {
    this.#over.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#kept);
    return { answered: this.#answered, failures: this.#failures, kept: this.#kept.length };
  }

  async #run(address: string): Promise<void> {
    for (let round = 0; !this.#over.signal.aborted; round++) {
      await this.#request(address, this.#clients[round % this.#clients.length], round);
      await delay(PAUSE_MS);
    }
  }

  async #request(address: string, client: string, round: number): Promise<void> {
    const before = this.#usable.get(address);
    let socket: Socket | undefined;
    try {
      socket = await connectTo({ address, port: PORT }, client);
      socket.setTimeout(PATIENCE_MS, () => socket?.destroy());
      await ping(socket, `round ${round}`);
      this.#answered.set(address, (this.#answered.get(address) ?? 0) + 1);
    } catch (error) {
      socket?.destroy();
      const isFailure = before !== undefined && this.#usable.get(address) === before;
      if (isFailure) this.#failures.push(`${address}: ${reasonOf(error, socket)}`);
      return;
    }
    if (round % KEPT_ONE_OF === 0 && this.#kept.length < MOST_KEPT) {
      this.#kept.push(this.#keep(address, socket));
    } else await end(socket);
  }

  async #keep(address: string, socket: Socket): Promise<void> {
    try {
      do {
        await delay(KEPT_PAUSE_MS);
        await ping(socket, "still here");
      } while (!this.#over.signal.aborted);
      await end(socket);
    } catch (error) {
      this.#failures.push(`kept connection to ${address}: ${reasonOf(error, socket)}`);
    }
  }
}

async function end(socket: Socket): Promise<void> {
  const closed = once(socket.resume(), "close");
  socket.end();
  await closed;
}

function reasonOf(error: unknown, socket: Socket | undefined): string {
  return String(socket?.errored ?? error);
}
