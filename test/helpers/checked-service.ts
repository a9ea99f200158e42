/** A checked service of a running director, and web servers behind it that are well or ill as they are told. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import type { RealserverStatus } from "../../src/core/status.js";
import type { Uvsd } from "./uvsd.js";
import { waitFor } from "./wait-for.js";

/** A web server whose /health page answers as it is told; other pages say who it is. */
export class WebServer {
  readonly #server: Server;
  readonly #silent = new Set<Socket>();
  isWell = true;
  /** Whether a client that asks for /kept may stay. */
  keepsSessions = false;
  port = 0;
  /** Requests other than for /health. */
  served = 0;

  private constructor(readonly address: string) {
    this.#server = createServer((incoming, answer) => {
      this.#silent.delete(incoming.socket);
      if (incoming.url === "/health") answer.statusCode = this.isWell ? 200 : 503;
      else this.served++;
      if (incoming.url !== "/kept" || !this.keepsSessions) answer.setHeader("connection", "close");
      answer.end(address);
    });
    this.#server.on("connection", (socket) => {
      this.#silent.add(socket);
      socket.on("close", () => this.#silent.delete(socket));
    });
  }

  get key(): string {
    return `${this.address}:${this.port}`;
  }

  static async start(t: TestContext, address: string): Promise<WebServer> {
    const web = new WebServer(address);
    web.#server.listen(0, address);
    await once(web.#server, "listening");
    web.port = (web.#server.address() as AddressInfo).port;
    t.after(() => web.kill());
    return web;
  }

  /** Waits until so many connections have come that have asked nothing yet. */
  async silent(count: number): Promise<void> {
    await waitFor(`${count} silent connections`, () => this.#silent.size === count);
  }

  stopAccepting(): void {
    this.#server.close();
  }

  /** At the address and port that it had. */
  async acceptAgain(): Promise<void> {
    this.#server.listen(this.port, this.address);
    await once(this.#server, "listening");
  }

  kill(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** A port of 127.0.0.1 that nobody has. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The body that the service answers with; rejects where the request fails. */
export function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      answer.on("end", () => resolve(text));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** Timing of checks in tests. */
export const FAST = "interval: 100ms, timeout: 2s, rise: 2, fall: 2";

/** A service of these realservers at 127.0.0.1; `health` are its further lines. */
export function config(port: number, servers: readonly { key: string }[], health: string): string {
  return `
services:
  - listen: tcp://127.0.0.1:${port}
    scheduler: rr
    realservers: [${servers.map(({ key }) => key).join(", ")}]
${health
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
`;
}

/** What the director says of a realserver of its first service. */
export async function realserver(uvsd: Uvsd, key: string): Promise<RealserverStatus> {
  const [service] = await uvsd.client.services();
  const found = service.realservers.find(({ address, port }) => `${address}:${port}` === key);
  assert.ok(found, `${key} is listed`);
  return found;
}

/** Waits until a realserver of weight 1 serves. */
export const isIn = (uvsd: Uvsd, { key }: { key: string }) =>
  waitFor(`${key} is up`, async () => {
    const { health, weight } = await realserver(uvsd, key);
    return health?.state === "up" && weight === 1;
  });

/** Waits until a realserver is down. */
export const isOut = (uvsd: Uvsd, { key }: { key: string }) =>
  waitFor(`${key} is down`, async () => {
    const { health, weight } = await realserver(uvsd, key);
    return health?.state === "down" && weight === 0;
  });
