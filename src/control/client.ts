/** The other side of the control socket: Operations, carried out by the director that answers there. */
import { Agent, type IncomingMessage, request } from "node:http";
import type { Endpoint } from "../core/address.js";
import { type ErrorOptions, UvsError } from "../core/errors.js";
import {
  type ConnectionTimeouts,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import type { DirectorStatus, ServiceStatus } from "../core/status.js";
import type { ErrorAnswer } from "./http-error.js";
import type { Operations, ReloadReport } from "./operations.js";
import { MAX_SOCKET_PATH } from "./socket-path.js";

/** A director answers in milliseconds; one that does not within this time is stuck. */
const ANSWER_TIMEOUT_MS = 30_000;
/** A status of 10,000 realservers has about 6 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Operations over the control socket. Connects when something is asked, keeps the connection for the next question.
 * Besides the director's own errors every operation may throw UNAVAILABLE (no director answers) and PERMISSION.
 */
export class ControlClient implements Operations {
  readonly #path: string;
  readonly #agent = new Agent({ keepAlive: true });

  /** @throws UvsError INVALID where the path is longer than a socket's can be */
  constructor(path: string) {
    const bytes = Buffer.byteLength(path);
    if (bytes > MAX_SOCKET_PATH) {
      throw new UvsError(
        "INVALID",
        `the path of the control socket is ${bytes} bytes long, accepted are at most ${MAX_SOCKET_PATH}: ${path}`,
      );
    }
    this.#path = path;
  }

  status(): Promise<DirectorStatus> {
    return this.#ask("GET", "/v1/status");
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    if (id !== undefined) return [await this.#ask<ServiceStatus>("GET", servicePath(id))];
    const answer = await this.#ask<{ services: readonly ServiceStatus[] }>("GET", "/v1/services");
    return answer.services;
  }

  timeouts(): Promise<ConnectionTimeouts> {
    return this.#ask("GET", "/v1/timeouts");
  }

  addService(service: VirtualService): Promise<void> {
    const { id, settings, realservers } = service;
    return this.#ask("POST", "/v1/services", { key: serviceKey(id), settings, realservers });
  }

  editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    return this.#ask("PUT", servicePath(id), settings);
  }

  deleteService(id: ServiceId): Promise<void> {
    return this.#ask("DELETE", servicePath(id));
  }

  clear(): Promise<void> {
    return this.#ask("DELETE", "/v1/services");
  }

  addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#ask("POST", `${servicePath(id)}/realservers`, server);
  }

  editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    const { address: _, port: __, ...settings } = server;
    return this.#ask("PUT", realserverPath(id, server), settings);
  }

  deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#ask("DELETE", realserverPath(id, server));
  }

  zero(id?: ServiceId): Promise<void> {
    return this.#ask("POST", id === undefined ? "/v1/zero" : `${servicePath(id)}/zero`);
  }

  setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    return this.#ask("PUT", "/v1/timeouts", timeouts);
  }

  reload(): Promise<ReloadReport> {
    return this.#ask("POST", "/v1/reload");
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** One request; resolves to the answer's JSON (T is undefined where the answer has none). */
  #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request({
        socketPath: this.#path,
        agent: this.#agent,
        method,
        path,
        headers: {
          host: "uvsd",
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
        },
        timeout: ANSWER_TIMEOUT_MS,
      });
      asked.on("error", (error) => reject(this.#connectionError(error)));
      asked.on("timeout", () =>
        asked.destroy(this.#unavailable(`does not answer in ${ANSWER_TIMEOUT_MS / 1000} s`)),
      );
      asked.on("response", (response) => {
        this.#readAnswer<T>(response).then(resolve, (error) => reject(this.#connectionError(error)));
      });
      asked.end(text);
    });
  }

  async #readAnswer<T>(response: IncomingMessage): Promise<T> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES)
        throw this.#unavailable(`answers with more than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString("utf8");
    const isSuccess = response.statusCode !== undefined && response.statusCode < 300;
    const answer = text === "" && isSuccess ? undefined : this.#parse(text);
    if (isSuccess) return answer as T;
    const refusal = (answer as Partial<ErrorAnswer> | null)?.error;
    throw refusal === undefined ? this.#stranger() : UvsError.fromPlain(refusal);
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#stranger();
    }
  }

  #stranger(): UvsError {
    return this.#unavailable("does not speak the control protocol of uvsd");
  }

  #connectionError(error: NodeJS.ErrnoException): UvsError {
    if (error instanceof UvsError) return error;
    const errno = error.code ?? error.message;
    const details = { path: this.#path, errno };
    if (errno === "EACCES" || errno === "EPERM") {
      const message = `the control socket ${this.#path} refuses this user (${errno}): run as root or join the socket's group`;
      return new UvsError("PERMISSION", message, { side: "system", details, cause: error });
    }
    if (error.syscall === "connect") {
      const message = `no director answers on ${this.#path} (${errno}): is uvsd running? another socket is named by --socket or UVS_SOCKET`;
      return new UvsError("UNAVAILABLE", message, {
        side: "director",
        retryable: true,
        details,
        cause: error,
      });
    }
    return this.#unavailable(
      `closed the connection (${errno}): it is stopping, or too many clients are connected`,
      {
        details,
        cause: error,
      },
    );
  }

  /** Not retryable as such: whether the request was carried out is not known. */
  #unavailable(what: string, options: ErrorOptions = {}): UvsError {
    return new UvsError("UNAVAILABLE", `the director on ${this.#path} ${what}`, {
      side: "director",
      details: { path: this.#path },
      ...options,
    });
  }
}

function servicePath(id: ServiceId): string {
  return `/v1/services/${encodeURIComponent(serviceKey(id))}`;
}

function realserverPath(id: ServiceId, server: Endpoint): string {
  return `${servicePath(id)}/realservers/${encodeURIComponent(realserverKey(server))}`;
}
