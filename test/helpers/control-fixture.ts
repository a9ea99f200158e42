/** A control server on a socket of its own with a director in memory behind it, and plain ways to speak to it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type ControlLimits, ControlServer, type ControlServerOptions } from "../../src/control/server.js";
import { type ErrorCode, UvsError } from "../../src/core/errors.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type Realserver,
  type ServiceId,
  type VirtualService,
} from "../../src/core/model.js";
import { InMemoryOperations } from "./in-memory-operations.js";
import { RecordingLogger } from "./recording-logger.js";
import { temporaryDirectory } from "./temporary-folder.js";

export interface ControlFixture<Twin extends InMemoryOperations = InMemoryOperations> {
  readonly path: string;
  readonly server: ControlServer;
  readonly operations: Twin;
  readonly logger: RecordingLogger;
}

/** A serving control server that is stopped when the test has ended. */
export function startControl(
  t: TestContext,
  limits?: Partial<ControlLimits>,
  onAnswering?: ControlServerOptions["onAnswering"],
): Promise<ControlFixture> {
  return serveControl(t, new InMemoryOperations(), limits, onAnswering);
}

/** The same with other operations behind it. */
export async function serveControl<Twin extends InMemoryOperations>(
  t: TestContext,
  operations: Twin,
  limits?: Partial<ControlLimits>,
  onAnswering?: ControlServerOptions["onAnswering"],
): Promise<ControlFixture<Twin>> {
  const path = join(temporaryDirectory(t), "uvsd.sock");
  const logger = new RecordingLogger();
  const server = new ControlServer({ path, limits, logger, onAnswering });
  await server.listen();
  t.after(() => server.stop(0));
  server.serve(operations);
  return { path, server, operations, logger };
}

export interface Answer {
  readonly status: number;
  readonly allow?: string;
  /** The parsed JSON, text as it is, or undefined where there is none. */
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
      const { allow, "content-type": type } = response.headers;
      const isText = type?.startsWith("text/");
      resolve({
        status: response.statusCode ?? 0,
        allow,
        body: answer === "" ? undefined : isText ? answer : JSON.parse(answer),
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

/** The service that most tests are about. */
export const WEB: ServiceId = { protocol: "tcp", address: "10.0.0.1", port: 80 };
/** The path of WEB. */
export const WEB_PATH = "/v1/services/tcp%3A%2F%2F10.0.0.1%3A80";

/** WEB with default settings and without realservers, except for what is given. */
export function service(over: Partial<VirtualService> = {}): VirtualService {
  return { id: WEB, settings: DEFAULT_SETTINGS, realservers: [], ...over };
}

/** A realserver with default settings. */
export function realserver(address: string, port = 80): Realserver {
  return { ...DEFAULT_REALSERVER, address, port };
}

/** A control server that listens nowhere yet. */
export function newServer(path: string): ControlServer {
  return new ControlServer({ path, logger: new RecordingLogger() });
}

/** For assert.throws and assert.rejects: an UvsError with this code and a message like this. */
export function withCode(code: ErrorCode, text = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof UvsError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
}

/** What a process leaves behind that is killed while it listens. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}
