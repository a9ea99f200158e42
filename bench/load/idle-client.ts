/**
 * A process: opens connections, sends a probe on each and waits for an answer, then holds them until it is ended.
 * Arguments: host, port and probe. Its parent sends how many are to be open, and gets `"open"` when they are, or why they cannot be.
 */
import { createConnection } from "node:net";

/** A source address has about 28,000 ports. */
const SOURCES = ["127.0.0.21", "127.0.0.22", "127.0.0.23", "127.0.0.24"];
const AT_ONCE = 64;

const [host, port, probe] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
let wanted = 0;
let started = 0;
let open = 0;

function openMore(): void {
  while (started < wanted && started - open < AT_ONCE) openNext();
}

function openNext(): void {
  const localAddress = SOURCES[started++ % SOURCES.length];
  const socket = createConnection({ host, port, localAddress });
  socket.once("connect", () => socket.write(probe));
  socket.once("data", () => {
    open++;
    if (open === wanted) process.send?.("open");
    openMore();
  });
  socket.once("error", (error) => fail(error.message));
  socket.once("close", () => fail("closed by the balancer"));
}

function fail(reason: string): void {
  process.send?.(`${open} are open, then: ${reason}`, () => process.exit(1));
}

process.once("disconnect", () => process.exit(0));
process.on("message", (total) => {
  wanted = Number(total);
  openMore();
});
