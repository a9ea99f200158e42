/** Servers from the distribution's packages, started for a test in a folder of their own and stopped after it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { waitFor } from "./wait-for.js";

/** Daemons lie outside of an ordinary user's PATH, PostgreSQL's and Dovecot's outside of everybody's. */
const FOLDERS = [
  ...(process.env["PATH"] ?? "").split(":"),
  ...["/usr/sbin", "/sbin", "/usr/lib/dovecot"],
  ...postgresFolders(),
];
const KILL_AFTER_MS = 10_000;

/** How a server is run. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** What it prints when it serves. @default it accepts TCP connections on its port */
  readonly ready?: RegExp;
  /** User to run as, where the test is root. @default root */
  readonly user?: string;
  /** Arguments that make the program end the server, where it leaves its process group. @default TERM to the group */
  readonly stopArgs?: readonly string[];
}

/** A server that runs. */
export interface RealServer {
  /** Ends it and all that it started, and waits. */
  stop(): Promise<void>;
}

/** The path of a program, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why tests that need these programs are skipped; never in CI, where what is missing must fail. */
export function skipWithout(programs: readonly string[], needsRoot = false): string | false {
  if (needsRoot && process.getuid?.() !== 0) return "needs root";
  const missing = programs.filter((program) => findProgram(program) === undefined);
  return missing.length > 0 && process.env["CI"] !== "true" && `not installed: ${missing.join(", ")}`;
}

/** A port of 127.0.0.1 that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Runs a program to its end, as preparation.
 * @throws Error with its output where it fails
 */
export function run(
  program: string,
  args: readonly string[],
  options: { user?: string; input?: string } = {},
): void {
  const { status, stdout, stderr } = spawnSync(pathOf(program), args, {
    ...ids(options.user),
    input: options.input,
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
}

/**
 * Starts a server in a process group of its own and waits until it serves.
 * @throws Error with its output where it does not
 */
export async function startServer(
  { program, args, ready, user, stopArgs }: ServerCommand,
  port: number,
): Promise<RealServer> {
  const child = spawn(pathOf(program), args, { ...ids(user), stdio: "pipe", detached: true, cwd: "/" });
  const end = async (): Promise<void> => {
    if (stopArgs !== undefined && !hasEnded(child)) run(program, stopArgs);
    await stop(child);
  };
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk).slice(-8192);
    });
  }
  try {
    await waitFor(
      `${program} serves`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
        return ready === undefined ? accepts(port) : ready.test(output);
      },
      30_000,
    );
  } catch (error) {
    await end();
    throw new Error(`${(error as Error).message}: ${output}`, { cause: error });
  }
  return { stop: end };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, "exit");
  const timer = setTimeout(() => killGroup(child, "SIGKILL"), KILL_AFTER_MS);
  killGroup(child, "SIGTERM");
  await exit;
  clearTimeout(timer);
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid!, signal);
  } catch {
    // It has ended.
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function pathOf(program: string): string {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
}

function ids(user: string | undefined): { uid?: number; gid?: number } {
  if (user === undefined || process.getuid?.() !== 0) return {};
  const idOf = (flag: string): number => Number(spawnSync("id", [flag, user], { encoding: "utf8" }).stdout);
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function postgresFolders(): string[] {
  const base = "/usr/lib/postgresql";
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, "bin")) : [];
}
