/** A process: a realserver that sends pseudo-random bytes and reads at the same time. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { answerParent } from "../child.js";
import { type Exchange, exchange } from "../keystream.js";

const server = createServer({ allowHalfOpen: true });

export const bulkRealserver = answerParent({
  /** @returns its port on 127.0.0.1 */
  async listen(): Promise<number> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  /** Does its side of one exchange with the next client. */
  async serve(seed: string, size: number): Promise<Exchange> {
    const [socket] = await once(server, "connection");
    return exchange(socket, seed, size);
  },
});
