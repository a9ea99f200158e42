import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { describe, test } from "node:test";
import { UvsError } from "../../../../src/core/errors.js";
import { type Libc, loadLibc } from "../../../../src/dataplane/native/libc.js";
import { EACCES, EMFILE } from "../../../../src/dataplane/native/linux.js";
import { boundPort, openListeners } from "../../../../src/dataplane/native/listen-socket.js";

const libc = loadLibc();

function errorOf(open: () => unknown): UvsError {
  try {
    open();
  } catch (error) {
    if (error instanceof UvsError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("listening sockets", () => {
  test("several share one port that the kernel chose", () => {
    const fds = openListeners(libc, { address: "127.81.0.1", port: 0 }, 3);
    try {
      assert.equal(new Set(fds).size, 3);
      assert.equal(new Set(fds.map((fd) => boundPort(libc, fd))).size, 1);
    } finally {
      for (const fd of fds) libc.close(fd);
    }
  });

  test("accept connections, also of IPv6", async () => {
    for (const address of ["127.81.0.2", "::1"]) {
      const [fd] = openListeners(libc, { address, port: 0 }, 1);
      const client = connect(boundPort(libc, fd), address);
      await once(client, "connect");
      client.destroy();
      libc.close(fd);
    }
  });

  test("can be bound to an address that this host does not have", () => {
    for (const address of ["192.0.2.77", "2001:db8::77"]) {
      const fds = openListeners(libc, { address, port: 0 }, 2);
      for (const fd of fds) libc.close(fd);
      assert.equal(fds.length, 2);
    }
  });

  for (const count of [1, 2]) {
    test(`${count} of them find another program on their port, and nothing stays open`, async () => {
      const server = createServer().listen({ host: "127.81.0.3", port: 0 });
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      const before = openDescriptors();
      const error = errorOf(() => openListeners(libc, { address: "127.81.0.3", port }, count));
      assert.equal(error.code, "ADDRESS_IN_USE");
      assert.match(error.message, new RegExp(`127.81.0.3:${port}.*EADDRINUSE`));
      assert.equal(openDescriptors(), before);
      server.close();
    });
  }

  test("several find another program that shares its port as they would", () => {
    const [fd] = openListeners(libc, { address: "127.81.0.4", port: 0 }, 2);
    const port = boundPort(libc, fd);
    const error = errorOf(() => openListeners(libc, { address: "127.81.0.4", port }, 2));
    assert.equal(error.code, "ADDRESS_IN_USE");
    libc.close(fd);
  });

  test("name the right that a port below 1024 needs", () => {
    const denied: Libc = { ...libc, bind: () => -EACCES };
    const before = openDescriptors();
    const error = errorOf(() => openListeners(denied, { address: "127.81.0.5", port: 80 }, 1));
    assert.equal(error.code, "PERMISSION");
    assert.match(error.message, /CAP_NET_BIND_SERVICE/);
    assert.equal(openDescriptors(), before);
  });

  test("say which system call failed when descriptors run out, and close those that were opened", () => {
    let left = 1;
    const starved: Libc = { ...libc, socket: (...args) => (left-- > 0 ? libc.socket(...args) : -EMFILE) };
    const before = openDescriptors();
    const error = errorOf(() => openListeners(starved, { address: "127.81.0.6", port: 0 }, 2));
    assert.equal(error.code, "SYSCALL");
    assert.deepEqual(error.details, { call: "socket", errno: "EMFILE", address: "127.81.0.6:0" });
    assert.equal(openDescriptors(), before);
  });

  test("refuse what is no address", () => {
    assert.equal(errorOf(() => openListeners(libc, { address: "localhost", port: 0 }, 1)).code, "INVALID");
  });
});
