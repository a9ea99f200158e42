/**
 * The control socket: HTTP and JSON over a unix socket. Every request is bounded in size and time, so that no client,
 * slow, huge or broken, holds up another one or the director.
 */
import { stat, unlink } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import { type ErrorAnswer, httpStatusOf, RequestError } from "./http-error.js";
import type { Operations } from "./operations.js";
import { readJson } from "./request-body.js";
import { matchRoute } from "./router.js";
import { ROUTES } from "./routes.js";
import { listenExclusively } from "./socket-file.js";
import { DEFAULT_SOCKET_PATH } from "./socket-path.js";

/** Permission bits of the socket: the owner and the group may command the director. */
export const DEFAULT_SOCKET_MODE = 0o660;

/** Bounds on what clients may take. */
export interface ControlLimits {
  /** Open connections; a further one is closed at once. @default 256 */
  readonly connections: number;
  /** Bytes of one request's body, where its route has no bound of its own. @default 1048576 */
  readonly bodyBytes: number;
  /** Bytes of request line and headers. @default 16384 */
  readonly headerBytes: number;
  /** Until the headers have arrived. @default 10000 */
  readonly headersMs: number;
  /** Until the whole request has arrived. @default 30000 */
  readonly requestMs: number;
  /** Until the client has read the answer. @default 30000 */
  readonly answerMs: number;
  /** Without a byte in either direction, also while an operation is under way. @default 60000 */
  readonly idleMs: number;
}

export const DEFAULT_LIMITS: ControlLimits = {
  connections: 256,
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headersMs: 10_000,
  requestMs: 30_000,
  answerMs: 30_000,
  idleMs: 60_000,
};

/** How often node looks for requests that are over their time. */
const TIMEOUT_CHECK_MS = 500;
/** An answered connection waits this long for its next request. */
const KEEP_ALIVE_MS = 5000;
/** A refused connection is logged at most this often. */
const DROP_LOG_MS = 10_000;

export interface ControlServerOptions {
  /** @default DEFAULT_SOCKET_PATH */
  readonly path?: string;
  /** @default DEFAULT_SOCKET_MODE */
  readonly mode?: number;
  readonly limits?: Partial<ControlLimits>;
  readonly logger: Logger;
  /** Told when the first of the requests that are being answered has come, and when the last one is answered. */
  readonly onAnswering?: (isAnswering: boolean) => void;
}

/** Serves Operations on a unix socket. `listen` first, so that a second director ends before it touches anything. */
export class ControlServer {
  readonly path: string;
  readonly #mode: number;
  readonly #limits: ControlLimits;
  readonly #logger: Logger;
  readonly #onAnswering: (isAnswering: boolean) => void;
  readonly #http: Server;
  #operations: Operations | undefined;
  #inode: number | undefined;
  #isStopping = false;
  #answering = 0;
  #lastDropLogMs = Number.NEGATIVE_INFINITY;

  constructor(options: ControlServerOptions) {
    this.path = options.path ?? DEFAULT_SOCKET_PATH;
    this.#mode = options.mode ?? DEFAULT_SOCKET_MODE;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#logger = options.logger;
    this.#onAnswering = options.onAnswering ?? (() => {});
    this.#http = this.#createHttpServer();
  }

  /**
   * Takes the socket; requests are answered UNAVAILABLE until `serve`.
   * @throws UvsError ALREADY_RUNNING, INVALID, PERMISSION, SYSCALL
   */
  async listen(): Promise<void> {
    await listenExclusively(this.#http, this.path, this.#mode);
    this.#inode = (await stat(this.path)).ino;
    this.#logger.info({ socket: this.path }, "control socket is open");
  }

  /** Answers requests by these operations from now on. */
  serve(operations: Operations): void {
    this.#operations = operations;
  }

  /** Removes the socket file, lets requests that are being answered finish until the grace is over, then ends. */
  async stop(graceMs = 2000): Promise<void> {
    if (!this.#http.listening) return;
    this.#isStopping = true;
    await this.#removeFile();
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeIdleConnections();
    const deadline = setTimeout(() => this.#http.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(deadline);
    this.#logger.info({ socket: this.path }, "control socket is closed");
  }

  #createHttpServer(): Server {
    const limits = this.#limits;
    const http = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    http.maxConnections = limits.connections;
    http.setTimeout(limits.idleMs);
    http.on("request", (request, response) => {
      this.#count(response);
      void this.#answer(request, response);
    });
    http.on("clientError", answerBrokenRequest);
    http.on("drop", () => this.#logDrop());
    return http;
  }

  #count(response: ServerResponse): void {
    if (this.#answering++ === 0) this.#onAnswering(true);
    response.once("close", () => {
      if (--this.#answering === 0) this.#onAnswering(false);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { route, path, query } = matchRoute(ROUTES, request.method ?? "", request.url ?? "");
      const body = await readJson(request, route.maxBodyBytes ?? this.#limits.bodyBytes);
      const answer = await route.run(this.#running(), { path, query, body });
      this.#send(response, route.success, route.success === 200 ? answer : undefined, route.textType);
    } catch (thrown) {
      this.#refuse(request, response, UvsError.from(thrown));
    }
  }

  #running(): Operations {
    if (this.#operations !== undefined) return this.#operations;
    throw new UvsError("UNAVAILABLE", "the director is starting; try again in a moment", {
      side: "director",
      retryable: true,
    });
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: UvsError): void {
    const record = { method: request.method, url: request.url, code: error.code };
    if (error.code === "INTERNAL") {
      this.#logger.error({ ...record, err: error.cause ?? error }, "a control request failed");
    } else {
      this.#logger.debug({ ...record, reason: error.message }, "a control request was refused");
    }
    if (error instanceof RequestError && error.allow !== undefined) {
      response.setHeader("allow", error.allow.join(", "));
    }
    this.#send(response, httpStatusOf(error), { error: error.toPlain() } satisfies ErrorAnswer);
  }

  #send(response: ServerResponse, status: number, answer: unknown, textType?: string): void {
    if (response.destroyed) return;
    if (this.#isStopping) response.setHeader("connection", "close");
    const deadline = setTimeout(() => response.destroy(), this.#limits.answerMs);
    response.once("close", () => clearTimeout(deadline));
    if (answer === undefined) {
      response.writeHead(status, status === 204 ? {} : { "content-length": 0 }).end();
      return;
    }
    const body = Buffer.from(textType === undefined ? `${JSON.stringify(answer)}\n` : String(answer));
    const headers = { "content-type": textType ?? "application/json", "content-length": body.length };
    response.writeHead(status, headers).end(body);
  }

  /** The file may belong to another director by now, if somebody removed ours by hand. */
  async #removeFile(): Promise<void> {
    const found = await stat(this.path).catch(() => undefined);
    if (found?.ino === this.#inode) await unlink(this.path).catch(() => undefined);
  }

  #logDrop(): void {
    const now = performance.now();
    if (now - this.#lastDropLogMs < DROP_LOG_MS) return;
    this.#lastDropLogMs = now;
    this.#logger.warn(
      { socket: this.path, limit: this.#limits.connections },
      "control socket: connection refused, too many are open",
    );
  }
}

/** Answers what node's parser refused before there was a request, and hangs up. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const refusal = brokenRequest(error.code);
  const text = `${JSON.stringify({ error: refusal.toPlain() })}\n`;
  const head = [
    `HTTP/1.1 ${refusal.httpStatus} Refused`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
}

function brokenRequest(code: string | undefined): RequestError {
  if (code === "HPE_HEADER_OVERFLOW") return new RequestError(431, "the headers are too large");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new RequestError(408, "the request did not arrive in time");
  return new RequestError(400, `not an HTTP request (${code})`);
}
