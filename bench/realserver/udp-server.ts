/**
 * A process: UDP realservers that send back what they get, in batches by system calls of their own, so that the core they share
 * with the load is not what limits it. Argument: the port.
 */
import { EpollEvents } from "../../src/dataplane/native/epoll-event.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { EPOLL_CTL_ADD, EPOLLIN } from "../../src/dataplane/native/linux.js";
import { openListeners } from "../../src/dataplane/native/listen-socket.js";
import { DATAGRAM_BYTES } from "../scenarios/udp-size.js";
import { REALSERVERS } from "../system/loopback.js";

const BATCH = 32;
const HEADER_BYTES = 64;
const NAME_BYTES = 16;

const libc = loadLibc();
const headers = libc.allocate(BATCH * HEADER_BYTES);
const iovecs = libc.allocate(BATCH * 16);
const names = libc.allocate(BATCH * NAME_BYTES);
const buffers = libc.allocate(BATCH * DATAGRAM_BYTES);

// struct mmsghdr: name, its length, iovec, their number. All datagrams have the same size: what was received is sent as it is.
const header = new DataView(headers.buffer);
const iovec = new DataView(iovecs.buffer);
for (let i = 0; i < BATCH; i++) {
  header.setBigUint64(i * HEADER_BYTES, BigInt(names.address + i * NAME_BYTES), true);
  header.setUint32(i * HEADER_BYTES + 8, NAME_BYTES, true);
  header.setBigUint64(i * HEADER_BYTES + 16, BigInt(iovecs.address + i * 16), true);
  header.setBigUint64(i * HEADER_BYTES + 24, 1n, true);
  iovec.setBigUint64(i * 16, BigInt(buffers.address + i * DATAGRAM_BYTES), true);
  iovec.setBigUint64(i * 16 + 8, BigInt(DATAGRAM_BYTES), true);
}

const port = Number(process.argv[2]);
const events = libc.allocate(EpollEvents.bytes(REALSERVERS.length));
const request = libc.allocate(EpollEvents.bytes(1));
const ready = new EpollEvents(events.buffer);
const epoll = libc.epollCreate();
for (const address of REALSERVERS) {
  const [fd] = openListeners(libc, { address, port }, 1, undefined, "udp");
  new EpollEvents(request.buffer).set(0, EPOLLIN, fd, 0);
  libc.epollCtl(epoll, EPOLL_CTL_ADD, fd, request.address);
}
for (;;) {
  const count = libc.epollWait(epoll, events.address, REALSERVERS.length, -1);
  for (let i = 0; i < count; i++) {
    const fd = ready.subject(i);
    const received = libc.recvMessages(fd, headers.address, BATCH, 0);
    for (let sent = 0; sent < received; ) {
      const taken = libc.sendMessages(fd, headers.address + sent * HEADER_BYTES, received - sent, 0);
      sent += Math.max(1, taken);
    }
  }
}
