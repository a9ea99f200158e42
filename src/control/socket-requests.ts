/** Requests as JSON over a unix socket, and what goes wrong with them in words that say what to do. */
import { type ErrorOptions, UvsError } from "../core/errors.js";
import type { ErrorAnswer } from "./http-error.js";
import { type Answer, AnswerError, SocketConnection } from "./socket-connection.js";
import { MAX_SOCKET_PATH } from "./socket-path.js";

/** A director answers in milliseconds; one that does not within this time is stuck. */
const ANSWER_TIMEOUT_MS = 30_000;
/** A status of 10,000 realservers has about 6 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** How a connection that the other side has closed fails. */
const CLOSED: ReadonlySet<string | undefined> = new Set(["EPIPE", "ECONNRESET"]);

/** Asks one socket; connects when something is asked, keeps the connection for the next question. */
export class SocketRequests {
  readonly #path: string;
  /** Connections that have answered and may be asked again. */
  #idle: SocketConnection[] = [];

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

  /** Closes the kept connections. */
  close(): void {
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
  }

  /**
   * One request; resolves to the answer's JSON (T is undefined where the answer has none).
   * @throws UvsError what the director refused, UNAVAILABLE, PERMISSION
   */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? "" : JSON.stringify(body);
    for (;;) {
      const connection = this.#connection();
      try {
        const answer = await connection.ask(method, path, text);
        if (connection.isOpen) this.#idle.push(connection);
        return this.#read(answer) as T;
      } catch (error) {
        // The director closes connections that rest; one that it closes while it is asked again has taken nothing.
        const { code } = error as NodeJS.ErrnoException;
        if (!(connection.wasUsed && CLOSED.has(code))) throw this.#failure(error as Error);
      }
    }
  }

  #connection(): SocketConnection {
    this.#idle = this.#idle.filter(({ isOpen }) => isOpen);
    return this.#idle.pop() ?? new SocketConnection(this.#path, MAX_ANSWER_BYTES, ANSWER_TIMEOUT_MS);
  }

  /** @throws UvsError what the director refused */
  #read({ status, text }: Answer): unknown {
    const isSuccess = status < 300;
    const answer = text === "" && isSuccess ? undefined : this.#parse(text);
    if (isSuccess) return answer;
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

  #failure(error: NodeJS.ErrnoException): UvsError {
    if (error instanceof UvsError) return error;
    if (error instanceof AnswerError) return this.#unavailable(error.message);
    if (error.code === "ETIMEDOUT") {
      return this.#unavailable(`does not answer in ${ANSWER_TIMEOUT_MS / 1000} s`);
    }
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
