/** Many source addresses: a director is not bound to the ports of one address towards a realserver. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nginxMissing, RouterLab } from "../helpers/router-lab.js";
import { Uvsd } from "../helpers/uvsd.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const CONFIG = `
services:
  - listen: tcp://10.81.0.1:80
    scheduler: rr
    source: [10.82.0.1, 10.82.0.99, 10.82.0.2]
    realservers: [10.82.0.11]
`;

/** Opens so many connections, all open at once, and prints what each was answered: `rs1 CLIENT`, or `reset`. */
const HOLD = (count: number): string => `
  import net from "node:net";
  import { once } from "node:events";
  const sockets = [];
  for (let i = 0; i < ${count}; i++) {
    const socket = net.connect(80, "10.81.0.1");
    sockets.push(socket);
    socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
    const answer = once(socket, "data").then(([data]) => /rs1 \\S+/.exec(data.toString())[0], () => "reset");
    console.log(await answer);
  }
  for (const socket of sockets) socket.destroy();`;

describe("source addresses", { skip: labMissing() ?? nginxMissing() ?? false }, () => {
  for (const plane of ["native", "net"]) {
    test(`with four ports, two addresses carry eight connections and not nine: ${plane}`, async (t) => {
      const lab = new RouterLab(1);
      t.after(() => lab.destroy());
      lab.addAddress(lab.director, "10.82.0.2/24", "net82");
      // 10.82.0.99 stays without a host: it is passed over.
      lab.run(lab.director, "sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40003");
      await lab.startNginx(lab.realservers[0]);
      const config = `dataplane: ${plane}\n${CONFIG}`;
      const uvsd = await Uvsd.start(t, { config, prefix: lab.prefix(lab.director) });
      const answers = lab.script(lab.client, HOLD(9)).trim().split("\n");
      assert.equal(answers.pop(), "reset");
      assert.deepEqual(answers.sort(), [
        ...Array.from({ length: 4 }, () => "rs1 10.82.0.1"),
        ...Array.from({ length: 4 }, () => "rs1 10.82.0.2"),
      ]);
      const { forwarders } = await uvsd.client.status();
      assert.ok(forwarders[0].events["sourceExhausted"] >= 5, JSON.stringify(forwarders[0].events));
      await waitFor("it is said", () => uvsd.output.includes("an address in source is not one of this host"));
    });
  }
});
