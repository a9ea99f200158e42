/**
 * Where lines are written to: a file, a FIFO, a terminal, an inherited descriptor. What can stall is opened non-blocking,
 * so that a reader that stops reading (a paused terminal, a stuck log collector) costs records and never time.
 *
 * An inherited descriptor is not switched over, because other processes share its flags: it is opened once more through
 * /proc. That is not possible for sockets (journald), which stay blocking, nor needed for files.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { UvsError } from "../core/errors.js";

/** Something to append lines to. */
export interface Output {
  readonly fd: number;
  /** Bytes that one write puts out whole, not mixed with what other processes write. */
  readonly atomicBytes: number;
  /** Closes the descriptor, unless it was inherited. */
  close(): void;
}

/** PIPE_BUF of Linux, pipe(7). */
const PIPE_BUF = 4096;
const FILE_BATCH = 65536;

/**
 * Opens a path for appending, made with mode 0640 if it is missing; or takes an inherited descriptor.
 * @throws UvsError SYSCALL naming path and errno; never for a descriptor
 */
export function openOutput(target: string | number): Output {
  return typeof target === "string" ? openPath(target) : openInherited(target);
}

function openPath(path: string): Output {
  try {
    const isPipe = statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
    // Opened for reading too, a FIFO needs no reader to be there, and none that leaves breaks it (fifo(7)).
    const flags = isPipe
      ? constants.O_RDWR | constants.O_NONBLOCK
      : constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
    const fd = openSync(path, flags, 0o640);
    return { fd, atomicBytes: isPipe ? PIPE_BUF : FILE_BATCH, close: () => closeSync(fd) };
  } catch (error) {
    const { code = "unknown", syscall = "open" } = error as NodeJS.ErrnoException;
    throw new UvsError(
      "SYSCALL",
      `cannot open ${path} to append to it: ${syscall} ${code}; choose another path, or give uvsd the right to write there`,
      { side: "system", cause: error, details: { path, call: syscall, errno: code } },
    );
  }
}

function openInherited(inherited: number): Output {
  try {
    const stats = fstatSync(inherited);
    if (stats.isFile()) return { fd: inherited, atomicBytes: FILE_BATCH, close: () => {} };
    const fd = openSync(`/proc/self/fd/${inherited}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return { fd, atomicBytes: PIPE_BUF, close: () => closeSync(fd) };
  } catch {
    // A socket, a pipe without reader, no /proc, a terminal of another user: the descriptor itself will do.
    return { fd: inherited, atomicBytes: PIPE_BUF, close: () => {} };
  }
}
