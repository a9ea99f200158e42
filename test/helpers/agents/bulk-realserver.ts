/** A process: a realserver that sends pseudo-random bytes and reads at the same time. */
import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { answerParent } from "../child.js";
import { type Exchange, exchange } from "../keystream.js";

const released = new EventEmitter();
const server = createServer({ allowHalfOpen: true });

export const bulkRealserver = answerParent({
  /** @returns its port on 127.0.0.1 */
  async listen(): Promise<number> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  /** Does its side of one exchange with the next client. @param holdAt stops reading after so many bytes, until `goOn` */
  async serve(seed: string, size: number, holdAt = Number.POSITIVE_INFINITY): Promise<Exchange> {
    const [socket] = await once(server, "connection");
    return exchange(socket, seed, size, { at: holdAt, until: once(released, "goOn") });
  },
  goOn(): void {
    released.emit("goOn");
  },
});
