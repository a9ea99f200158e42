/** Two things about resets in which node:net needs help. */
import type { Socket } from "node:net";

/** Closes a socket with a reset, at once if it can be. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting) {
    // A reset would be put off until it is connected.
    socket.destroy();
  } else if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) {
    // Its shutdown is under way, for this turn of the loop; libuv refuses a reset meanwhile, and would leak the socket.
    socket.pause().once("finish", socket.resetAndDestroy);
  } else {
    socket.resetAndDestroy();
  }
}

/**
 * Whether the `end` that a socket just emitted was in truth a reset. libuv reports end of file when a reset comes together
 * with the last bytes (uv__stream_io: POLLHUP after a partial read). A socket that was reset has no peer any longer, one
 * that got a FIN still has. Once this side has sent its own FIN both look alike, and the answer is no.
 */
export function endedByReset(socket: Socket): boolean {
  if (socket.writableEnded) return false;
  // `remoteAddress` would answer from its cache.
  const { _handle: handle } = socket as unknown as {
    _handle?: { getpeername?(name: object): number } | null;
  };
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0;
}
