/**
 * A process: opens connections, sends one byte on each and waits for one, then holds them until it is ended.
 * Arguments: host, port, number of connections. Tells its parent `"open"`, or why not all could be opened.
 */
import { createConnection } from "node:net";

/** A source address has about 28,000 ports. */
const SOURCES = ["127.0.0.21", "127.0.0.22", "127.0.0.23", "127.0.0.24"];
const AT_ONCE = 64;

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
let started = 0;
let open = 0;

function openNext(): void {
  if (started === count) return;
  const localAddress = SOURCES[started++ % SOURCES.length];
  const socket = createConnection({ host, port, localAddress });
  socket.once("connect", () => socket.write("x"));
  socket.once("data", () => {
    open++;
    if (open === count) process.send?.("open");
    openNext();
  });
  socket.once("error", (error) => fail(error.message));
  socket.once("close", () => fail("closed by the balancer"));
}

function fail(reason: string): void {
  process.send?.(`${open} are open, then: ${reason}`, () => process.exit(1));
}

process.once("disconnect", () => process.exit(0));
for (let index = 0; index < AT_ONCE; index++) openNext();
