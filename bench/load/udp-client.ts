/**
 * A process: so many clients that each send a datagram, wait for its answer, and send the next one. Arguments: host, port,
 * clients. Its parent sends a number of seconds, and gets how many answers came in them.
 */
import { parseIp } from "../../src/core/address.js";
import { EpollEvents } from "../../src/dataplane/native/epoll-event.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import {
  AF_INET,
  EPOLL_CTL_ADD,
  EPOLLIN,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../../src/dataplane/native/linux.js";
import { SocketAddress } from "../../src/dataplane/native/sockaddr.js";
import { DATAGRAM_BYTES } from "../scenarios/udp-size.js";

/** What was lost is sent again after this. */
const LOST_MS = 200;

const [host, port, clients] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const libc = loadLibc();
const datagram = libc.allocate(DATAGRAM_BYTES);
const events = libc.allocate(EpollEvents.bytes(clients));
const request = libc.allocate(EpollEvents.bytes(1));
const ready = new EpollEvents(events.buffer);
const epoll = libc.epollCreate();
const address = new SocketAddress(libc);
const sockets = Array.from({ length: clients }, () => {
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  libc.connect(fd, address.address, address.encode(4, parseIp(host)!.words, port));
  new EpollEvents(request.buffer).set(0, EPOLLIN, fd, 0);
  libc.epollCtl(epoll, EPOLL_CTL_ADD, fd, request.address);
  return fd;
});

/** The question that each socket waits for the answer of, by descriptor. */
const asked = new Uint32Array(Math.max(...sockets) + 1);
/** The number of a question is in its first bytes, and comes back in its answer. */
const number = new Uint32Array(datagram.buffer, 0, 1);
let questions = 0;

function ask(fd: number): void {
  number[0] = asked[fd] = ++questions;
  libc.send(fd, datagram.address, DATAGRAM_BYTES, 0);
}

/** Each client has one question under way: an answer to one that was given up is not counted, and asks nothing. */
function load(seconds: number): number {
  const endMs = performance.now() + seconds * 1000;
  let answers = 0;
  sockets.forEach(ask);
  while (performance.now() < endMs) {
    const count = libc.epollWait(epoll, events.address, clients, LOST_MS);
    if (count === 0) sockets.forEach(ask);
    for (let i = 0; i < count; i++) {
      const fd = ready.subject(i);
      if (libc.recv(fd, datagram.address, DATAGRAM_BYTES, 0) < 0 || number[0] !== asked[fd]) continue;
      answers++;
      ask(fd);
    }
  }
  return answers;
}

process.once("disconnect", () => process.exit(0));
process.on("message", (seconds) => process.send?.(load(Number(seconds))));
