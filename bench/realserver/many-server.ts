/**
 * A process: two thousand HTTP realservers, ports in a row on four addresses. Each request gets a small answer on a
 * connection that is closed after it, as a health check asks for; `/count` tells how many there were. Argument: the first
 * port.
 */
import { createServer } from "node:net";
import { COUNT_PATH, manyAddresses } from "./many.js";

const PORT = Number(process.argv[2]);
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n";
const SMALL = `${HEAD}Content-Length: 3\r\n\r\nup\n`;
let answered = 0;

for (const { host, port } of manyAddresses(PORT)) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.once("data", (request) => {
      if (request.toString("latin1").startsWith(`GET ${COUNT_PATH} `)) {
        const body = String(answered);
        socket.end(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
      } else {
        answered++;
        socket.end(SMALL);
      }
    });
    socket.on("error", () => socket.destroy());
  });
  server.listen({ host, port, backlog: 16 });
}
