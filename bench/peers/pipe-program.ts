/** The program behind `pipe.ts`: pipe-program VIP:PORT REALSERVER:PORT ..., taken in turn. Counts, limits and checks nothing. */
import { connect, createServer } from "node:net";

const [vip, ...realservers] = process.argv.slice(2).map((address) => {
  const [host, port] = address.split(":");
  return { host, port: Number(port) };
});
let next = 0;

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const realserver = connect({
    ...realservers[next++ % realservers.length],
    allowHalfOpen: true,
    noDelay: true,
  });
  client.pipe(realserver).pipe(client);
  client.on("error", () => realserver.destroy());
  realserver.on("error", () => client.destroy());
}).listen({ ...vip, backlog: 4096 });
