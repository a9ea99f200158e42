/** A process: TCP realservers that send back what they get. Argument: the port. */
import { createServer } from "node:net";
import { REALSERVERS } from "../system/loopback.js";

const port = Number(process.argv[2]);

for (const host of REALSERVERS) {
  const server = createServer((socket) => {
    socket.on("data", (data) => socket.write(data));
    socket.on("error", () => socket.destroy());
  });
  server.listen({ host, port, backlog: 4096 });
}
