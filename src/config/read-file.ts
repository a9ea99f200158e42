/** Reads a configuration file whole, within a bound; every way of failing says what to do. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UvsError } from "../core/errors.js";

/** Greatest file, in bytes: a thousand times what is usual. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * The text of the file, which may also be a pipe.
 * @throws UvsError CONFIG
 */
export function readConfigFile(path: string): string {
  const bytes = readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(path, "is not UTF-8 text; save it in that encoding", cause);
  }
}

function readBytes(path: string): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    if (fstatSync(fd).isDirectory()) throw unreadable(path, "is a directory; name a file");
    return readUpTo(fd, path);
  } catch (error) {
    if (error instanceof UvsError) throw error;
    throw unreadable(path, explain(error as NodeJS.ErrnoException), error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** By pieces, since a pipe or a device does not tell its size. */
function readUpTo(fd: number, path: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let total = 0; total <= MAX_FILE_BYTES; ) {
    const piece = new Uint8Array(64 * 1024);
    const length = readSync(fd, piece, 0, piece.length, null);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, length));
    total += length;
  }
  throw unreadable(
    path,
    `is too large, accepted are at most ${MAX_FILE_BYTES} bytes; is it a configuration file?`,
  );
}

function explain(error: NodeJS.ErrnoException): string {
  const { code, syscall } = error;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return `does not exist (${code}); check the path after -c`;
    case "EACCES":
    case "EPERM":
      return `cannot be read by user id ${process.getuid?.() ?? "unknown"} (${code}); allow it on the file and its folders, or run as another user`;
    default:
      return `cannot be read: ${syscall ?? "read"} failed with ${code ?? error.message}; check the file and its file system`;
  }
}

function unreadable(path: string, message: string, cause?: unknown): UvsError {
  return new UvsError("CONFIG", `${path}: ${message}`, {
    side: "config",
    details: { file: path, count: 1 },
    cause,
  });
}
