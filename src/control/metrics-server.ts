/**
 * Metrics over TCP, for Prometheus: HTTP that answers `GET /metrics` and nothing else, to whoever can connect. The director
 * serves without it: where it cannot listen that is said once, and tried again. Bounded as the control socket is, so that
 * nobody who asks can hold up another one or the director.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Endpoint, formatEndpoint } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import { EXPOSITION_TYPE } from "../metrics/exposition.js";

/** Connections at once; further ones are closed. */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8192;
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
const IDLE_MS = 30_000;
const RETRY_MS = 2000;

/** What it is constructed with. */
export interface MetricsServerOptions {
  readonly endpoint: Endpoint;
  /** The text of now. @throws UvsError where there is none now; the answer is 503 then */
  readonly read: () => Promise<string>;
  readonly logger: Logger;
}

/** See the file's head. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #http: Server;
  #failure: string | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#http = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
    });
    this.#http.maxConnections = MAX_CONNECTIONS;
    this.#http.setTimeout(IDLE_MS);
    this.#http.on("request", (request, response) => void this.#answer(request, response));
    this.#http.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    this.#http.on("listening", () => {
      this.#failure = undefined;
      const { endpoint, logger } = this.#options;
      logger.info({ listen: formatEndpoint(endpoint) }, "metrics can be asked for");
    });
  }

  start(): void {
    const { address, port } = this.#options.endpoint;
    this.#http.listen({ host: address, port, exclusive: true });
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#http.close();
    this.#http.closeAllConnections();
  }

  #failed(error: NodeJS.ErrnoException): void {
    const { endpoint, logger } = this.#options;
    const failure = error.code ?? error.message;
    if (failure !== this.#failure) {
      const where = formatEndpoint(endpoint);
      logger.error({}, `metrics.listen: ${where} cannot be listened on: ${failure}; tried again`);
    }
    this.#failure = failure;
    this.#retry = setTimeout(() => this.start(), RETRY_MS).unref();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    if (request.url?.split("?")[0] !== "/metrics") return send(response, 404, "accepted is /metrics\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(response, 405, "accepted is GET\n");
    }
    try {
      send(response, 200, await this.#options.read());
    } catch (error) {
      send(response, 503, `${UvsError.from(error).message}\n`);
    }
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  const type = status === 200 ? EXPOSITION_TYPE : "text/plain; charset=utf-8";
  response.writeHead(status, { "content-type": type, "content-length": body.length }).end(body);
}
