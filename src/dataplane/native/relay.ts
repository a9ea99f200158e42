/**
 * Carries bytes from one end of a connection to the other. Small amounts are read into one shared buffer and written
 * straight on; when a read fills that buffer, or the other end takes less than was read, the direction changes over to
 * splice until it falls quiet. What could not be written stays with the direction, which is not read meanwhile: that is
 * the back-pressure.
 *
 * Sockets are registered edge-triggered: an end is read only while READABLE says that something may be there.
 * Everything here is on the hot path: no allocation, no throw.
 */
import type { PlaneMemory } from "../memory.js";
import { BUFFER_BYTES, type Buffers } from "./buffers.js";
import type { LoopClock } from "./clock.js";
import { type Connections, EndFlag } from "./connections.js";
import type { HeldAcks } from "./held-acks.js";
import type { Libc } from "./libc.js";
import {
  EAGAIN,
  IPPROTO_TCP,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
  TCP_NODELAY,
} from "./linux.js";
import { PIPE_BYTES, type Pipes } from "./pipes.js";

/** Why carrying stopped. */
export const Stop = {
  /** Nothing is left to read, or the other end takes no more now. */
  WAIT: -1,
  /** The turn is used up; there is more. */
  TURN_OVER: -2,
  /** The end's FIN was read and all that came before it is written. */
  FINISHED: -3,
  /** The end read from is broken. */
  BROKEN: -4,
  /** The other end is broken. */
  PEER_BROKEN: -5,
} as const;

/** Bytes that one end may send before the others have their turn. */
const TURN_BYTES = 131072;

/** A direction that carried less than this since its last event is quiet: copying is cheaper again. */
const BULK_BYTES = 32768;

const { READABLE, EAGER, EOF, BLOCKED, BULK, URGENT, SENT, NO_DELAY, BROKEN, ENDED } = EndFlag;

/** The client's bytes that go with a header at most: a request, mostly. */
const FIRST_BYTES = 4096;

/** Bytes that a pipe is filled with at least, where they are there, before it is emptied. */
const FILL_BYTES = 65536;

/** After a packet smaller than this the receive queue is likely to be empty. */
const LARGE_PACKET_BYTES = 32768;

/** What a relay is made of. */
export interface RelayParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly memory: PlaneMemory;
  readonly thread: number;
  readonly clock: LoopClock;
  readonly buffers: Buffers;
  readonly pipes: Pipes;
  readonly acks: HeldAcks;
}

/** See the file's head. */
export class Relay {
  readonly #libc: Libc;
  readonly #connections: Connections;
  readonly #buffers: Buffers;
  readonly #pipes: Pipes;
  readonly #clock: LoopClock;
  readonly #acks: HeldAcks;
  readonly #inBytes: Float64Array;
  readonly #outBytes: Float64Array;
  readonly #row: number;

  constructor(parts: RelayParts) {
    this.#libc = parts.libc;
    this.#connections = parts.connections;
    this.#buffers = parts.buffers;
    this.#pipes = parts.pipes;
    this.#clock = parts.clock;
    this.#acks = parts.acks;
    this.#inBytes = parts.memory.inBytes;
    this.#outBytes = parts.memory.outBytes;
    this.#row = parts.thread * parts.memory.servers;
  }

  /** Carries what `end` has sent, as far as that goes now. @returns one of `Stop` */
  carry(end: number): number {
    const { flags, buffer, pipe } = this.#connections;
    if ((flags[end ^ 1] & BLOCKED) !== 0) return Stop.WAIT;
    if (buffer[end] !== 0) {
      const flushed = this.#flushBuffer(end);
      if (flushed < 0) return flushed;
    }
    if (pipe[end] !== 0) {
      const flushed = this.#flushPipe(end);
      if (flushed < 0) return flushed;
      if ((flags[end] & BULK) === 0) this.#leavePipe(end);
    }
    if ((flags[end] & EOF) !== 0) return Stop.FINISHED;
    let moved = 0;
    while ((flags[end] & READABLE) !== 0) {
      if (moved >= TURN_BYTES) return Stop.TURN_OVER;
      const step = (flags[end] & BULK) !== 0 ? this.#splice(end, moved) : this.#copy(end);
      if (step < 0) return step;
      moved += step;
    }
    return Stop.WAIT;
  }

  /**
   * Carries the client's first bytes with `lead` bytes before them, which stand in the scratch buffer already: together
   * they cost one system call and one packet.
   * @returns one of `Stop`
   */
  carryBehind(end: number, lead: number): number {
    const { fd, flags } = this.#connections;
    const { scratch } = this.#buffers;
    const peer = end ^ 1;
    const n = this.#libc.recv(fd[end], scratch + lead, FIRST_BYTES, 0);
    const length = n > 0 ? lead + n : lead;
    // Into an empty socket so little goes whole or not at all.
    if (this.#send(peer, scratch, length, 0) !== length) return Stop.PEER_BROKEN;
    if (n <= 0) return this.#readNothing(end, n);
    this.#account(end, n);
    if (n < FIRST_BYTES && (flags[end] & EAGER) === 0) flags[end] &= ~READABLE;
    return this.carry(end);
  }

  /** One read and one write. @returns bytes moved, or one of `Stop` */
  #copy(end: number): number {
    const { fd, flags } = this.#connections;
    if (this.#buffers.exhausted) return this.#copyUnbuffered(end);
    const { scratch } = this.#buffers;
    let n = this.#libc.recv(fd[end], scratch, BUFFER_BYTES, 0);
    if (n <= 0) return this.#readNothing(end, n);

    let behind: number = Stop.WAIT;
    if (n === BUFFER_BYTES) {
      this.#goBulk(end);
    } else if ((flags[end] & EAGER) === 0) {
      // A short read has drained the socket: the next byte makes a new edge. One system call saved.
      flags[end] &= ~READABLE;
    } else if ((flags[end] & (ENDED | URGENT)) === ENDED) {
      // Before the FIN nothing is left, and it has come: no second read that would only say so.
      behind = this.#readNothing(end, 0);
    } else {
      let tail = 1;
      while (n < BUFFER_BYTES && tail > 0) {
        tail = this.#libc.recv(fd[end], scratch + n, BUFFER_BYTES - n, 0);
        if (tail > 0) n += tail;
      }
      if (tail <= 0) behind = this.#readNothing(end, tail);
    }

    // The last bytes and the FIN that follows share a packet; before a reset they must go at once.
    const more = behind === Stop.FINISHED && (flags[end] & BROKEN) === 0 ? MSG_MORE : 0;
    const sent = this.#send(end ^ 1, scratch, n, more);
    if (sent < 0 && sent !== -EAGAIN) return Stop.PEER_BROKEN;
    if (sent !== n) return this.#keepRest(end, Math.max(sent, 0), n, behind);
    this.#account(end, n);
    return behind === Stop.WAIT ? n : behind;
  }

  /** Copies aside what was not taken, and waits for the other end. */
  #keepRest(end: number, sent: number, n: number, behind: number): number {
    const { flags, buffer } = this.#connections;
    if (sent > 0) this.#account(end, sent);
    if (behind === Stop.BROKEN) return behind;
    buffer[end] = this.#buffers.keep(sent, n);
    flags[end ^ 1] |= BLOCKED;
    this.#goBulk(end);
    return Stop.WAIT;
  }

  /** As `#copy` where no buffer is free for a rest: what was not taken stays in the socket that it came from. */
  #copyUnbuffered(end: number): number {
    const { fd, flags } = this.#connections;
    const { scratch } = this.#buffers;
    const n = this.#libc.recv(fd[end], scratch, BUFFER_BYTES, MSG_PEEK);
    if (n <= 0) return this.#readNothing(end, n);
    if (n === BUFFER_BYTES) this.#goBulk(end);
    const sent = this.#send(end ^ 1, scratch, n, 0);
    if (sent < 0 && sent !== -EAGAIN) return Stop.PEER_BROKEN;
    if (sent > 0) {
      // MSG_TRUNC makes TCP drop bytes without copying them.
      this.#libc.recv(fd[end], scratch, sent, MSG_TRUNC);
      this.#account(end, sent);
    }
    if (sent === n) return n;
    flags[end ^ 1] |= BLOCKED;
    return Stop.WAIT;
  }

  /**
   * Fills a pipe and empties it. One splice takes what the receive queue holds, so only after one that brings little
   * another may go before the one that sends. At most 256 KiB would cost 1.15 times as much:
   * such pieces end in the middle of a packet.
   * @param moved bytes since the event
   * @returns bytes moved, or one of `Stop`
   */
  #splice(end: number, moved: number): number {
    const { fd, flags, pipe } = this.#connections;
    const pipes = this.#pipes;
    if (pipe[end] === 0) {
      const taken = pipes.take();
      if (taken === 0) {
        flags[end] &= ~BULK;
        return this.#copy(end);
      }
      pipe[end] = taken;
    }
    const through = pipe[end];
    const into = pipes.writeEnd[through];
    let held = 0;
    let n: number;
    do {
      n = this.#libc.splice(fd[end], into, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (n > 0) held += n;
    } while (n >= LARGE_PACKET_BYTES && held < FILL_BYTES);
    if (held === 0) {
      this.#leavePipe(end);
      // An event whose bytes the turn before took already says nothing about the direction.
      if (moved > 0 && moved < BULK_BYTES) flags[end] &= ~BULK;
      return this.#readNothing(end, n);
    }
    pipes.held[through] = held;
    // EAGAIN may as well mean a full pipe here: only with an empty one it says that the socket is drained.
    const behind = n > 0 || n === -EAGAIN ? Stop.WAIT : this.#readNothing(end, n);
    const flushed = this.#flushPipe(end);
    if (flushed < 0 && behind !== Stop.BROKEN) return flushed;
    return behind === Stop.WAIT ? flushed : behind;
  }

  /** @returns bytes written, or one of `Stop`; a pipe that is empty stays with the end */
  #flushPipe(end: number): number {
    const { fd, flags, pipe } = this.#connections;
    const pipes = this.#pipes;
    const through = pipe[end];
    const peer = end ^ 1;
    if ((flags[peer] & NO_DELAY) === 0) this.#setNoDelay(peer);
    let moved = 0;
    while (pipes.held[through] > 0) {
      const n = this.#libc.splice(
        pipes.readEnd[through],
        fd[peer],
        pipes.held[through],
        SPLICE_F_MOVE | SPLICE_F_NONBLOCK,
      );
      if (n === -EAGAIN) {
        flags[peer] |= BLOCKED;
        return Stop.WAIT;
      }
      if (n <= 0) return Stop.PEER_BROKEN;
      pipes.held[through] -= n;
      moved += n;
      this.#account(end, n);
    }
    return moved;
  }

  /** @returns 0, or one of `Stop` */
  #flushBuffer(end: number): number {
    const { flags, buffer } = this.#connections;
    const buffers = this.#buffers;
    const kept = buffer[end];
    const more = (flags[end] & EOF) !== 0 ? MSG_MORE : 0;
    const sent = this.#send(end ^ 1, buffers.address(kept), buffers.length(kept), more);
    if (sent < 0 && sent !== -EAGAIN) return Stop.PEER_BROKEN;
    if (sent > 0) {
      this.#account(end, sent);
      buffers.consume(kept, sent);
    }
    if (buffers.length(kept) > 0) {
      flags[end ^ 1] |= BLOCKED;
      return Stop.WAIT;
    }
    buffers.release(kept);
    buffer[end] = 0;
    return 0;
  }

  /** A read yielded 0 or an error. @returns one of `Stop` */
  #readNothing(end: number, result: number): number {
    const { flags } = this.#connections;
    flags[end] &= ~READABLE;
    if (result === -EAGAIN) return Stop.WAIT;
    if (result < 0) return Stop.BROKEN;
    flags[end] |= EOF;
    return Stop.FINISHED;
  }

  #leavePipe(end: number): void {
    const { pipe } = this.#connections;
    this.#pipes.release(pipe[end]);
    pipe[end] = 0;
  }

  #goBulk(end: number): void {
    const { flags } = this.#connections;
    if ((flags[end] & URGENT) === 0) flags[end] |= BULK;
  }

  #send(end: number, address: number, length: number, more: number): number {
    const { fd, flags } = this.#connections;
    if ((flags[end] & SENT) === 0) return this.#sendFirst(end, address, length, more);
    if ((flags[end] & NO_DELAY) === 0) this.#setNoDelay(end);
    return this.#libc.send(fd[end], address, length, MSG_NOSIGNAL | more);
  }

  #sendFirst(end: number, address: number, length: number, more: number): number {
    const { fd, flags } = this.#connections;
    flags[end] |= SENT;
    const sent = this.#libc.send(fd[end], address, length, MSG_NOSIGNAL | more);
    this.#acks.sentFirst(end);
    return sent;
  }

  /** Nagle's algorithm never holds back the first bytes, so a connection of one request does without the option. */
  #setNoDelay(end: number): void {
    const { fd, flags } = this.#connections;
    flags[end] |= NO_DELAY;
    this.#libc.setIntOption(fd[end], IPPROTO_TCP, TCP_NODELAY, 1);
  }

  #account(end: number, n: number): void {
    const { bytes, lastMs, server } = this.#connections;
    const slot = end >> 1;
    bytes[end] += n;
    lastMs[slot] = this.#clock.nowMs;
    if (server[slot] < 0) return;
    const totals = (end & 1) === 0 ? this.#inBytes : this.#outBytes;
    totals[this.#row + server[slot]] += n;
  }
}
