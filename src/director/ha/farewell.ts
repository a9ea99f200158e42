/** Sends the packets that say, in the place of a dead director, that it has left. */
import { createSocket } from "node:dgram";
import type { Logger } from "../../core/logger.js";
import type { Libc } from "../../dataplane/native/libc.js";
import { VrrpSocket } from "../../dataplane/native/vrrp-socket.js";
import type { Farewell } from "../../ha/protocol.js";

const FULL_TTL = 255;
/** Nobody listens for answers. */
const DEAF = { watch: () => {}, unwatch: () => {} };

/** Sends all; what cannot be sent is told. Settles when they are out. */
export async function sendFarewells(
  farewells: readonly Farewell[],
  libc: Libc,
  logger: Logger,
): Promise<void> {
  await Promise.all(
    farewells.map(async (farewell) => {
      try {
        if (farewell.port === undefined) sendVrrp(farewell, libc);
        else await sendDatagram(farewell, farewell.port);
      } catch (error) {
        logger.error({}, `${farewell.destination} could not be told: ${String(error)}`);
      }
    }),
  );
}

function sendVrrp({ destination, message, ttl = FULL_TTL, ...link }: Farewell, libc: Libc): void {
  const socket = new VrrpSocket(libc, DEAF, { ...link, ttl }, () => {});
  const errno = socket.send(destination, message);
  socket.close();
  if (errno !== undefined) throw new Error(errno);
}

function sendDatagram({ family, source, destination, message }: Farewell, port: number): Promise<void> {
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  return new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, source, () => {
      // A link of heartbeat may be a broadcast address, or a group.
      socket.setBroadcast(true);
      if (family === 4) socket.setMulticastInterface(source);
      socket.send(message, port, destination, (error) => (error === null ? resolve() : reject(error)));
    });
  }).finally(() => socket.close());
}
