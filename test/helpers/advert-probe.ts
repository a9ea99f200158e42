/**
 * A stranger on the link of a virtual router, as a program: `node advert-probe.js SOURCE`. It prints a JSON line for each
 * advertisement that it hears, and sends those that a line of JSON on its standard input asks for: every `everyMs`
 * until the next line for the same virtual router, or once.
 */
import { createInterface } from "node:readline";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { NativeRawSockets } from "../../src/dataplane/native/raw-sockets.js";
import { decode, encode, MULTICAST_GROUP } from "../../src/ha/vrrp/codec.js";
import type { ProbeOrder } from "./advert-stranger.js";

const [source] = process.argv.slice(2);
const destination = MULTICAST_GROUP[4];
const libc = loadLibc();
const raw = new NativeRawSockets(libc, (error) => console.error(error.message));
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const timers = new Map<number, NodeJS.Timeout>();

const socket = raw.openVrrp(
  { family: 4, interface: "eth0", source, group: destination, ttl: 255 },
  ({ payload, ...envelope }) => {
    const decoded = decode(payload, envelope);
    if (typeof decoded === "string") return;
    const { vrid, priority, intervalCs } = decoded.advertisement;
    print({ vrid, priority, intervalCs, source: envelope.source });
  },
);

function send({ vrid, priority, intervalCs = 10, addresses = [], isDamaged = false }: ProbeOrder): void {
  if (priority === undefined) return;
  const message = encode(
    { version: 3, vrid, priority, intervalCs, addresses: [...addresses] },
    { source, destination },
  );
  if (isDamaged) message[6] ^= 0xff;
  const errno = socket.send(destination, message);
  if (errno !== undefined) console.error(errno);
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line) as ProbeOrder;
  clearInterval(timers.get(order.vrid));
  send(order);
  if (order.everyMs !== undefined)
    timers.set(
      order.vrid,
      setInterval(() => send(order), order.everyMs),
    );
});
print({ started: true });
