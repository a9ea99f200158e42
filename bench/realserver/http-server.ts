/** A process: HTTP realservers of Node's own, for machines without nginx. Argument: the port. */
import { createServer } from "node:http";
import { REALSERVERS } from "../system/loopback.js";
import { LARGE_BYTES, LARGE_PATH, MEDIUM_BYTES, MEDIUM_PATH, SMALL_BYTES } from "./realserver.js";

const small = Buffer.alloc(SMALL_BYTES, "x");
const bodies = new Map([
  [LARGE_PATH, Buffer.alloc(LARGE_BYTES, "x")],
  [MEDIUM_PATH, Buffer.alloc(MEDIUM_BYTES, "x")],
]);
const port = Number(process.argv[2]);

for (const host of REALSERVERS) {
  const server = createServer((request, response) => {
    const body = bodies.get(request.url ?? "") ?? small;
    request.resume();
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length });
    response.end(body);
  });
  server.keepAliveTimeout = 0;
  server.listen({ host, port, backlog: 4096 });
}
