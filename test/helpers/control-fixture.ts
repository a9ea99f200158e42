/** A control server on a socket of its own with a director in memory behind it, and plain ways to speak to it. */
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type ControlLimits, ControlServer } from "../../src/control/server.js";
import type { Logger } from "../../src/core/logger.js";
import { InMemoryOperations } from "./in-memory-operations.js";

/** One record that a part under test has logged. */
export interface LogRecord {
  readonly level: string;
  readonly message: string;
}

/** A logger that keeps its records. */
export function recordingLogger(records: LogRecord[] = []): Logger {
  const at =
    (level: string) =>
    (_: object, message: string): void => {
      records.push({ level, message });
    };
  const logger: Logger = {
    fatal: at("fatal"),
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    child: () => logger,
  };
  return logger;
}

/** A directory that is removed when the test has ended. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "uvs-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface ControlFixture {
  readonly path: string;
  readonly server: ControlServer;
  readonly operations: InMemoryOperations;
  readonly records: LogRecord[];
}

/** A serving control server that is stopped when the test has ended. */
export async function startControl(t: TestContext, limits?: Partial<ControlLimits>): Promise<ControlFixture> {
  const path = join(await temporaryDirectory(t), "uvsd.sock");
  const records: LogRecord[] = [];
  const server = new ControlServer({ path, limits, logger: recordingLogger(records) });
  const operations = new InMemoryOperations();
  await server.listen();
  t.after(() => server.stop(0));
  server.serve(operations);
  return { path, server, operations, records };
}

export interface Answer {
  readonly status: number;
  readonly allow?: string;
  /** The parsed JSON, or undefined where there is none. */
  readonly body: unknown;
}

/** One request with a body as JSON, or as it is where it is a string. */
export function ask(path: string, method: string, target: string, body?: unknown): Promise<Answer> {
  const text = typeof body === "string" || body === undefined ? (body ?? "") : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, method, path: target, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      const answer = Buffer.concat(chunks).toString();
      const { allow } = response.headers;
      resolve({
        status: response.statusCode ?? 0,
        allow,
        body: answer === "" ? undefined : JSON.parse(answer),
      });
    });
    asked.on("error", reject);
    asked.end(text);
  });
}

/** A connection that says what it is told to, and all that it got once the server has hung up. */
export async function speakRaw(
  path: string,
  text: string | Buffer,
): Promise<{ socket: Socket; closed: Promise<string> }> {
  const socket = connect(path);
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  // Writing to a server that has hung up is part of what is tested here.
  socket.on("error", () => undefined);
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(received)));
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(text);
  return { socket, closed };
}
