/**
 * The file of the control socket: exactly one living director owns it, however the last one ended.
 *
 * The lock is a listening socket itself, because the kernel answers for it: connecting succeeds as long as its process
 * lives and is refused from the moment it died, SIGKILL included, also across containers that share the directory. A
 * starting director listens under a name of its own (`uvsd.sock.3fa9c1`, its claim), then looks for other living claims
 * and for a living owner, and only if there is none renames its claim to `uvsd.sock`, which replaces a stale file in one
 * step. Of two that start at once at least one was visible before the other looked, so they never both succeed.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { chmod, lstat, readdir, rename, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { UvsError } from "../core/errors.js";
import { MAX_SOCKET_PATH } from "./socket-path.js";

/** Bytes of a claim's suffix: a dot and six hexadecimal digits. */
const CLAIM_SUFFIX = /^\.[0-9a-f]{6}$/;
const CLAIM_SUFFIX_BYTES = 7;
/** How long directors that start at once step back for one another before they give up. */
const CONTEST_MS = 2000;

/**
 * Listens on a unix socket that nobody else serves. Makes the directory (0755) if it is missing. Main thread only.
 * @param mode permission bits of the socket, e.g. 0o660
 * @throws UvsError ALREADY_RUNNING, INVALID (path too long, or a file that is no socket), PERMISSION, SYSCALL
 */
export async function listenExclusively(server: Server, path: string, mode: number): Promise<void> {
  checkLength(path);
  makeDirectory(dirname(path));
  const deadline = performance.now() + CONTEST_MS;
  while (!(await tryToOwn(server, path, mode))) {
    if (performance.now() > deadline) throw alreadyRunning(path);
    await delay(5 + Math.random() * 45);
  }
}

/** True once the server owns the path; false where another one is starting at this moment. */
async function tryToOwn(server: Server, path: string, mode: number): Promise<boolean> {
  if (await isServed(path)) throw alreadyRunning(path);
  const claim = `${path}.${randomBytes(3).toString("hex")}`;
  await listen(server, claim);
  try {
    await chmod(claim, mode);
    // Claims before the owner: a claim that becomes the owner meanwhile is then seen at one of the two places.
    const isFree = !(await hasLiveRival(path, claim)) && !(await isServed(path));
    if (isFree) {
      await rename(claim, path);
      return true;
    }
  } catch (error) {
    await close(server);
    // A rival that looked between our bind and listen took the claim for a dead one and removed it.
    if (isErrno(error, "ENOENT")) return false;
    throw systemError(error, path);
  }
  await close(server);
  return false;
}

async function hasLiveRival(path: string, ownClaim: string): Promise<boolean> {
  const name = basename(path);
  for (const entry of await readdir(dirname(path))) {
    const rival = join(dirname(path), entry);
    if (!entry.startsWith(name) || !CLAIM_SUFFIX.test(entry.slice(name.length))) continue;
    if (entry === basename(ownClaim)) continue;
    if (await isServed(rival)) return true;
    await unlink(rival).catch((error) => ignoring(error, "ENOENT"));
  }
  return false;
}

/** Whether a living process listens on the path. Refuses a path that is something else than a socket. */
async function isServed(path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) {
      throw new UvsError(
        "INVALID",
        `${path} is there already and is not a socket: remove it or choose another path`,
      );
    }
    await probe(path);
    return true;
  } catch (error) {
    // Reset: it closed its socket while our connection was waiting in the queue.
    if (["ENOENT", "ECONNREFUSED", "ECONNRESET"].some((code) => isErrno(error, code))) return false;
    // Its queue of waiting connections is full: alive, but busy.
    if (isErrno(error, "EAGAIN")) return true;
    throw systemError(error, path);
  }
}

function probe(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(systemError(error, path));
    server.once("error", failed);
    // node binds before `listen` returns, so this umask closes the moment in which the mode is not yet set.
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", failed);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function checkLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  const max = MAX_SOCKET_PATH - CLAIM_SUFFIX_BYTES;
  if (bytes <= max && !path.includes("\0")) return;
  throw new UvsError(
    "INVALID",
    `the path of the control socket is ${bytes} bytes long, accepted are at most ${max}: ${path}`,
    { side: "config", details: { bytes, max } },
  );
}

function makeDirectory(path: string): void {
  try {
    const made = mkdirSync(path, { recursive: true, mode: 0o755 });
    if (made !== undefined) chmodSync(path, 0o755);
  } catch (error) {
    throw systemError(error, path);
  }
}

function alreadyRunning(path: string): UvsError {
  return new UvsError(
    "ALREADY_RUNNING",
    `another director serves ${path}: stop it first, or give this one a socket of its own`,
    { side: "system", details: { path } },
  );
}

/** A failed system call as UvsError: call, errno and what to do. What is an UvsError already stays as it is. */
function systemError(error: unknown, path: string): UvsError {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof UvsError || syscall === undefined) return UvsError.from(error);
  const isForbidden = code === "EACCES" || code === "EPERM" || code === "EROFS";
  const advice = isForbidden ? "run as root, or choose a path that this user may write" : "check the path";
  return new UvsError(
    isForbidden ? "PERMISSION" : "SYSCALL",
    `the control socket ${path} cannot be made (${syscall}: ${code}): ${advice}`,
    { side: "system", details: { syscall, errno: String(code), path }, cause: error },
  );
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function ignoring(error: unknown, code: string): void {
  if (!isErrno(error, code)) throw error;
}
