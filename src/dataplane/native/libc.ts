/**
 * The system calls of the native data plane, and the only file that knows the foreign function interface (koffi).
 *
 * Every call follows the kernel's own convention: the result is 0 or more, or a negated errno, which is read straight
 * after the call. Memory is passed as an address (a number), because that is what the interface passes on fastest and
 * because arithmetic on it allocates nothing; `allocate` makes memory that has one. All calls are made in the calling
 * thread and block it only where the descriptor is in blocking mode, except `epollWait`.
 */
import { createRequire } from "node:module";
import { UvsError } from "../../core/errors.js";
import {
  IFNAMSIZ,
  RLIMIT_NOFILE,
  SO_BINDTODEVICE,
  SO_LINGER,
  SOL_SOCKET,
  SYS_EPOLL_PWAIT2,
  SYS_SCHED_SETATTR,
} from "./linux.js";

/** Memory that the kernel can write to: it neither moves nor goes away while `buffer` is referenced. */
export interface NativeMemory {
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/** The system calls. Where nothing else is said: @returns 0, or a negated errno. */
export interface Libc {
  /** Zeroed memory with a fixed address. */
  allocate(bytes: number): NativeMemory;

  /** epoll_create1(2), close-on-exec. @returns a descriptor, or a negated errno */
  epollCreate(): number;
  /** epoll_ctl(2). @param event address of one struct epoll_event; 0 for EPOLL_CTL_DEL */
  epollCtl(epoll: number, op: number, fd: number, event: number): number;
  /**
   * epoll_wait(2).
   * @param timeoutMs -1 waits for ever, 0 only looks
   * @returns how many events were stored, or a negated errno (EINTR)
   */
  epollWait(epoll: number, events: number, capacity: number, timeoutMs: number): number;
  /**
   * epoll_pwait2(2) without a signal mask, from Linux 5.11: waits to the nanosecond, for what has to be done at its time.
   * @param timeout address of a struct timespec
   * @returns as `epollWait`, or -ENOSYS
   */
  epollWaitPrecisely(epoll: number, events: number, capacity: number, timeout: number): number;

  /** socket(2). @returns a descriptor, or a negated errno (EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT) */
  socket(domain: number, type: number, protocol: number): number;
  /** bind(2). @param address of a sockaddr of `length` bytes */
  bind(fd: number, address: number, length: number): number;
  /** listen(2). */
  listen(fd: number, backlog: number): number;
  /**
   * accept4(2). `address` and `length` (of an int that says how much room there is) receive the peer.
   * @returns a descriptor, or a negated errno (EAGAIN: nobody waits; EMFILE, ENFILE, ENOBUFS, ENOMEM; ECONNABORTED, ...)
   */
  accept(fd: number, address: number, length: number, flags: number): number;
  /** connect(2). A non-blocking socket answers -EINPROGRESS; then EPOLLOUT or EPOLLERR tells the outcome. */
  connect(fd: number, address: number, length: number): number;
  /** recv(2). @returns bytes; 0 is the end of input; or a negated errno (EAGAIN, ECONNRESET, ETIMEDOUT, ...) */
  recv(fd: number, address: number, length: number, flags: number): number;
  /** send(2). @returns bytes taken, maybe fewer than `length`, or a negated errno (EAGAIN, EPIPE, ECONNRESET, ...) */
  send(fd: number, address: number, length: number, flags: number): number;
  /** shutdown(2). */
  shutdown(fd: number, how: number): number;
  /** close(2). */
  close(fd: number): number;
  /** getsockname(2). `length` as for `accept`. */
  getsockname(fd: number, address: number, length: number): number;
  /** getsockopt(2). `length` is the address of an int: room before, size after. */
  getsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  /** getsockopt(2) of an int that is not negative. @returns the value, or a negated errno */
  getIntOption(fd: number, level: number, option: number): number;
  /** setsockopt(2) of an int. */
  setIntOption(fd: number, level: number, option: number, value: number): number;
  /** setsockopt(2) of `length` bytes at `value`. */
  setOption(fd: number, level: number, option: number, value: number, length: number): number;
  /** sendto(2): one datagram to a sockaddr of `addressLength` bytes. @returns bytes, or a negated errno */
  sendTo(
    fd: number,
    buffer: number,
    length: number,
    flags: number,
    address: number,
    addressLength: number,
  ): number;
  /** recvmsg(2). @param header address of a struct msghdr. @returns bytes, or a negated errno (EAGAIN, ENETDOWN) */
  recvMessage(fd: number, header: number, flags: number): number;
  /** recvmmsg(2) without a time-out. @param headers address of `count` structs mmsghdr. @returns messages, or a negated errno */
  recvMessages(fd: number, headers: number, count: number, flags: number): number;
  /** sendmmsg(2). @returns messages taken, at least 1 of `count`, or the negated errno of the first */
  sendMessages(fd: number, headers: number, count: number, flags: number): number;
  /** if_nametoindex(3). @returns the index, or a negated errno (ENODEV) */
  interfaceIndex(name: string): number;
  /** setsockopt(2) of SO_BINDTODEVICE: sends and receives on one interface only. */
  bindToDevice(fd: number, name: string): number;
  /** Makes `close` send a reset and drop what is unsent: SO_LINGER with zero seconds. */
  resetOnClose(fd: number): number;

  /** pipe2(2). @param fds address of two ints: read end, write end */
  pipe(fds: number, flags: number): number;
  /** fcntl(2) with an int. @returns what the command returns, or a negated errno */
  fcntl(fd: number, command: number, argument: number): number;
  /** splice(2) without offsets; one of the two is a pipe. @returns bytes moved, 0 at the end of input, or a negated errno */
  splice(from: number, to: number, length: number, flags: number): number;

  /** eventfd(2). @returns a descriptor, or a negated errno */
  eventfd(initial: number, flags: number): number;
  /** read(2). @returns bytes, or a negated errno */
  read(fd: number, address: number, length: number): number;
  /** write(2). @returns bytes, or a negated errno */
  write(fd: number, address: number, length: number): number;
  /** clock_gettime(2). @param time address of a struct timespec */
  clockGettime(clock: number, time: number): number;
  /** sched_setattr(2) of the calling thread. @param attributes address of a struct sched_attr */
  setScheduling(attributes: number): number;
  /** getrlimit(2) of RLIMIT_NOFILE. @returns the soft limit of descriptors; Infinity where there is none */
  descriptorLimit(): number;
}

type ForeignFunction = (...args: number[]) => number;

interface Koffi {
  load(path: null): { func(prototype: string): ForeignFunction };
  address(buffer: ArrayBuffer): bigint;
  errno(): number;
}

/**
 * Loads the foreign function interface and finds the system calls in the running process; once a thread.
 * @throws UvsError UNSUPPORTED on another system than Linux, or where koffi or a symbol is missing
 */
export function loadLibc(): Libc {
  if (process.platform !== "linux") {
    throw new UvsError("UNSUPPORTED", `the native data plane needs Linux, this is ${process.platform}`, {
      side: "system",
    });
  }
  try {
    return bindCalls(createRequire(import.meta.url)("koffi") as Koffi);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UvsError(
      "UNSUPPORTED",
      `the native data plane needs the package koffi, which cannot be loaded: ${reason}`,
      { side: "system", cause, details: { package: "koffi" } },
    );
  }
}

function bindCalls(koffi: Koffi): Libc {
  // null: the running process itself, whatever its libc's file is called (glibc, musl).
  const library = koffi.load(null);
  const foreign = (prototype: string): ForeignFunction => library.func(prototype);
  const { errno } = koffi;

  // koffi has no ssize_t; an int64_t within the safe integers comes as a number, and no transfer here is larger.
  const epoll_create1 = foreign("int epoll_create1(int flags)");
  const epoll_ctl = foreign("int epoll_ctl(int epfd, int op, int fd, uintptr_t event)");
  const epoll_wait = foreign("int epoll_wait(int epfd, uintptr_t events, int maxevents, int timeout)");
  // By its number, which all architectures share: not every libc has a function for it. Variadic, as fcntl below.
  const syscall = foreign(
    "int64_t syscall(int64_t number, int epfd, uintptr_t events, int maxevents, uintptr_t timeout, uintptr_t sigmask, size_t size)",
  );
  const socket = foreign("int socket(int domain, int type, int protocol)");
  const bind = foreign("int bind(int fd, uintptr_t addr, uint32_t addrlen)");
  const listen = foreign("int listen(int fd, int backlog)");
  const accept4 = foreign("int accept4(int fd, uintptr_t addr, uintptr_t addrlen, int flags)");
  const connect = foreign("int connect(int fd, uintptr_t addr, uint32_t addrlen)");
  const recv = foreign("int64_t recv(int fd, uintptr_t buf, size_t len, int flags)");
  const send = foreign("int64_t send(int fd, uintptr_t buf, size_t len, int flags)");
  const shutdown = foreign("int shutdown(int fd, int how)");
  const close = foreign("int close(int fd)");
  const getsockname = foreign("int getsockname(int fd, uintptr_t addr, uintptr_t addrlen)");
  const getsockopt = foreign("int getsockopt(int fd, int level, int name, uintptr_t val, uintptr_t len)");
  const setsockopt = foreign("int setsockopt(int fd, int level, int name, uintptr_t val, uint32_t len)");
  const sendto = foreign(
    "int64_t sendto(int fd, uintptr_t buf, size_t len, int flags, uintptr_t addr, uint32_t addrlen)",
  );
  const recvmsg = foreign("int64_t recvmsg(int fd, uintptr_t msg, int flags)");
  const recvmmsg = foreign(
    "int recvmmsg(int fd, uintptr_t msgs, unsigned int count, int flags, uintptr_t timeout)",
  );
  const sendmmsg = foreign("int sendmmsg(int fd, uintptr_t msgs, unsigned int count, int flags)");
  const if_nametoindex = foreign("unsigned int if_nametoindex(uintptr_t name)");
  const pipe2 = foreign("int pipe2(uintptr_t fds, int flags)");
  // Variadic in C; on both architectures an int is passed in the same register either way.
  const fcntl = foreign("int fcntl(int fd, int cmd, int arg)");
  const splice = foreign(
    "int64_t splice(int in, uintptr_t offIn, int out, uintptr_t offOut, size_t len, unsigned int flags)",
  );
  const eventfd = foreign("int eventfd(unsigned int initval, int flags)");
  const read = foreign("int64_t read(int fd, uintptr_t buf, size_t count)");
  const write = foreign("int64_t write(int fd, uintptr_t buf, size_t count)");
  const clock_gettime = foreign("int clock_gettime(int clock, uintptr_t time)");
  // By its number too: the C libraries of today have no function for it.
  const sched_setattr = foreign(
    "int64_t syscall(int64_t number, int pid, uintptr_t attr, unsigned int flags)",
  );
  const getrlimit = foreign("int getrlimit(int resource, uintptr_t rlim)");

  const allocate = (bytes: number): NativeMemory => {
    const buffer = new ArrayBuffer(bytes);
    return { buffer, address: Number(koffi.address(buffer)) };
  };
  const option = allocate(4);
  const optionValue = new Int32Array(option.buffer);
  const optionSize = allocate(4);
  const optionLength = new Int32Array(optionSize.buffer);
  const noLinger = allocate(8);
  new Int32Array(noLinger.buffer)[0] = 1;

  const interfaceMemory = allocate(IFNAMSIZ);
  const interfaceBytes = new Uint8Array(interfaceMemory.buffer);
  /** A longer name than the kernel knows is cut, and then not found. */
  const setInterfaceName = (name: string): void => {
    interfaceBytes.fill(0);
    interfaceBytes.set(Buffer.from(name).subarray(0, IFNAMSIZ - 1));
  };

  return {
    allocate,
    epollCreate() {
      const fd = epoll_create1(0o2000000);
      return fd < 0 ? -errno() : fd;
    },
    epollCtl(epoll, op, fd, event) {
      return epoll_ctl(epoll, op, fd, event) < 0 ? -errno() : 0;
    },
    epollWait(epoll, events, capacity, timeoutMs) {
      const n = epoll_wait(epoll, events, capacity, timeoutMs);
      return n < 0 ? -errno() : n;
    },
    epollWaitPrecisely(epoll, events, capacity, timeout) {
      const n = syscall(SYS_EPOLL_PWAIT2, epoll, events, capacity, timeout, 0, 0);
      return n < 0 ? -errno() : n;
    },
    socket(domain, type, protocol) {
      const fd = socket(domain, type, protocol);
      return fd < 0 ? -errno() : fd;
    },
    bind(fd, address, length) {
      return bind(fd, address, length) < 0 ? -errno() : 0;
    },
    listen(fd, backlog) {
      return listen(fd, backlog) < 0 ? -errno() : 0;
    },
    accept(fd, address, length, flags) {
      const accepted = accept4(fd, address, length, flags);
      return accepted < 0 ? -errno() : accepted;
    },
    connect(fd, address, length) {
      return connect(fd, address, length) < 0 ? -errno() : 0;
    },
    recv(fd, address, length, flags) {
      const n = recv(fd, address, length, flags);
      return n < 0 ? -errno() : n;
    },
    send(fd, address, length, flags) {
      const n = send(fd, address, length, flags);
      return n < 0 ? -errno() : n;
    },
    shutdown(fd, how) {
      return shutdown(fd, how) < 0 ? -errno() : 0;
    },
    close(fd) {
      return close(fd) < 0 ? -errno() : 0;
    },
    getsockname(fd, address, length) {
      return getsockname(fd, address, length) < 0 ? -errno() : 0;
    },
    getsockopt(fd, level, name, value, length) {
      return getsockopt(fd, level, name, value, length) < 0 ? -errno() : 0;
    },
    getIntOption(fd, level, name) {
      optionLength[0] = 4;
      return getsockopt(fd, level, name, option.address, optionSize.address) < 0 ? -errno() : optionValue[0];
    },
    setIntOption(fd, level, name, value) {
      optionValue[0] = value;
      return setsockopt(fd, level, name, option.address, 4) < 0 ? -errno() : 0;
    },
    setOption(fd, level, name, value, length) {
      return setsockopt(fd, level, name, value, length) < 0 ? -errno() : 0;
    },
    sendTo(fd, buffer, length, flags, address, addressLength) {
      const n = sendto(fd, buffer, length, flags, address, addressLength);
      return n < 0 ? -errno() : n;
    },
    recvMessage(fd, header, flags) {
      const n = recvmsg(fd, header, flags);
      return n < 0 ? -errno() : n;
    },
    recvMessages(fd, headers, count, flags) {
      const n = recvmmsg(fd, headers, count, flags, 0);
      return n < 0 ? -errno() : n;
    },
    sendMessages(fd, headers, count, flags) {
      const n = sendmmsg(fd, headers, count, flags);
      return n < 0 ? -errno() : n;
    },
    interfaceIndex(name) {
      setInterfaceName(name);
      const index = if_nametoindex(interfaceMemory.address);
      return index === 0 ? -errno() : index;
    },
    bindToDevice(fd, name) {
      setInterfaceName(name);
      const { address } = interfaceMemory;
      return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, address, IFNAMSIZ) < 0 ? -errno() : 0;
    },
    resetOnClose(fd) {
      return setsockopt(fd, SOL_SOCKET, SO_LINGER, noLinger.address, 8) < 0 ? -errno() : 0;
    },
    pipe(fds, flags) {
      return pipe2(fds, flags) < 0 ? -errno() : 0;
    },
    fcntl(fd, command, argument) {
      const result = fcntl(fd, command, argument);
      return result < 0 ? -errno() : result;
    },
    splice(from, to, length, flags) {
      const n = splice(from, 0, to, 0, length, flags);
      return n < 0 ? -errno() : n;
    },
    eventfd(initial, flags) {
      const fd = eventfd(initial, flags);
      return fd < 0 ? -errno() : fd;
    },
    read(fd, address, length) {
      const n = read(fd, address, length);
      return n < 0 ? -errno() : n;
    },
    write(fd, address, length) {
      const n = write(fd, address, length);
      return n < 0 ? -errno() : n;
    },
    clockGettime(clock, time) {
      return clock_gettime(clock, time) < 0 ? -errno() : 0;
    },
    setScheduling(attributes) {
      return sched_setattr(SYS_SCHED_SETATTR, 0, attributes, 0) < 0 ? -errno() : 0;
    },
    descriptorLimit() {
      const limits = allocate(16);
      getrlimit(RLIMIT_NOFILE, limits.address);
      const soft = new BigUint64Array(limits.buffer)[0];
      return soft === 0xffff_ffff_ffff_ffffn ? Number.POSITIVE_INFINITY : Number(soft);
    },
  };
}
